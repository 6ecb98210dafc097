"""Databases as earlier versions of Fovea made them, as SQL text: a row of each kind, in each state.

`c771c4c.sql` is of the last version before submissions, files and the site itself had identities. It was made by that
version's own code (its migrations and its models) in a data folder /srv/fovea, and dumped by sqlite3's `iterdump`.
"""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from webapp.env import BASE_DIR

FOLDER = Path(__file__).parent
LAST_MIGRATIONS = {"c771c4c": {"gallery": "0002_worker_progress", "review": "0001_initial"}}
CASTS = {"boolean": bool, "bytea": bytes}


def sqlite_restore(version: str, data: Path) -> Path:
    """Makes the database of a data folder. Returns its path."""
    data.mkdir(parents=True, exist_ok=True)
    path = data / "fovea.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.executescript((FOLDER / f"{version}.sql").read_text(encoding="utf-8"))
    return path


def postgres_restore(version: str, data: Path, url: str) -> None:
    """Puts the same rows into an empty PostgreSQL, whose tables that version's migrations make."""
    import psycopg
    from psycopg import sql

    for app, migration in LAST_MIGRATIONS[version].items():
        manage(data, "migrate", app, migration, url=url)
    for app in ("accounts", "api", "axes", "sessions", "admin"):
        manage(data, "migrate", app, url=url)
    with closing(sqlite3.connect(sqlite_restore(version, data / "as-sqlite"))) as old, psycopg.connect(url) as new:
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        tables = [str(name) for (name,) in old.execute(names) if name != "django_migrations"]
        new.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, tables))))
        for table in tables:
            types: dict[str, str] = dict(
                new.execute(
                    "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s", [table]
                ).fetchall()
            )
            rows = old.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in rows.description]
            insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.SQL(", ").join(sql.SQL("%s") for _ in columns),
            )
            for row in rows:
                new.execute(insert, [_cast(value, types[name]) for name, value in zip(columns, row, strict=True)])
            if "id" in columns:
                new.execute(
                    sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), coalesce(max(id), 1)) FROM {}").format(
                        sql.Literal(table), sql.Identifier(table)
                    )
                )


def manage(data: Path, *arguments: str, url: str = "") -> str:
    """What `manage.py` prints, on that data folder. Fails where it fails."""
    process = _manage(data, *arguments, url=url)
    said, told = process.communicate()
    assert process.returncode == 0, told
    return said


def manage_killed(data: Path, *arguments: str, url: str, seconds: float) -> bool:
    """Kills `manage.py` after so many seconds. Whether it had ended before, and well."""
    process = _manage(data, *arguments, url=url)
    try:
        _, told = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return False
    assert process.returncode == 0, told
    return True


def _manage(data: Path, *arguments: str, url: str) -> "subprocess.Popen[str]":
    environ = {name: value for name, value in os.environ.items() if not name.startswith("FOVEA_")}
    environ |= {"FOVEA_DATA_DIR": str(data), "FOVEA_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "webapp.settings"}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.Popen(
        command, cwd=BASE_DIR, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _cast(value: Any, kind: str) -> Any:
    return value if value is None or kind not in CASTS else CASTS[kind](value)
