"""Triggers that keep columns and counts right, whatever writes the rows.

They are there between migrations only. A migration may change or remove a table that a trigger names: SQLite then
drops the trigger silently or refuses to rename the table, and PostgreSQL keeps a trigger that makes each write fail.
So `triggers_drop` removes them before a migration, and `triggers_follow` makes them after each `migrate` and fills
what they keep. After a kill in between, the next `migrate` makes them.

SQLite's REPLACE and PostgreSQL's TRUNCATE fire no trigger for the rows that go. Nothing here uses them.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

FOLDING_LOCK: Final = 0xF05EA  # of PostgreSQL's advisory locks: counts are put together, or worked out anew


@dataclass(frozen=True)
class Kept:
    """Something that triggers keep.

    Args:
        name: the triggers' names begin with kept_ and this name; so is the function on PostgreSQL.
        tables: those that must be there, in the order in which workers lock them. Nothing is kept while the first one
            is empty.
        sqlite: SQL of each trigger, by its name.
        postgresql: SQL that makes function and triggers, whatever is there of them.
        fill: SQL that works all out anew, on either database.
        differs: SQL for how much is wrong, on either database.
    """

    name: str
    tables: tuple[str, ...]
    sqlite: Mapping[str, str]
    postgresql: tuple[str, ...]
    fill: tuple[str, ...]
    differs: str


_KEPT: dict[str, Kept] = {}


def kept_register(kept: Kept) -> None:
    _KEPT[kept.name] = kept


def triggers_drop(*, using: str, plan: list[Any], **_signal: object) -> None:
    """The receiver of `pre_migrate`: nothing to migrate, nothing to drop."""
    if plan:
        connection = connections[using]
        with transaction.atomic(using=using), connection.cursor() as cursor:
            for statement in _drops(connection):
                cursor.execute(statement)


def triggers_follow(*, using: str, **_signal: object) -> None:
    """The receiver of `post_migrate`."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    for kept in _KEPT.values():
        if tables.issuperset({*kept.tables, "counters_count"}) and not (
            _there(connection, kept) and _filled(connection, kept)
        ):
            kept_make(connection, kept)


def kept_differing(connection: BaseDatabaseWrapper) -> list[str]:
    """The names of what is not right, or whose triggers are missing."""
    return [kept.name for kept in _KEPT.values() if not _there(connection, kept) or _wrong(connection, kept)]


def kept_mend(connection: BaseDatabaseWrapper) -> None:
    """Makes the triggers of all anew, and works all out anew."""
    for kept in _KEPT.values():
        kept_make(connection, kept)


def kept_make(connection: BaseDatabaseWrapper, kept: Kept) -> None:
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name in _sqlite_found(connection, kept):
                cursor.execute(f"DROP TRIGGER {name}")
            statements = tuple(kept.sqlite.values())
        else:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FOLDING_LOCK])
            cursor.execute(f"LOCK TABLE {', '.join(kept.tables)} IN SHARE ROW EXCLUSIVE MODE")
            statements = (*kept.postgresql, f"COMMENT ON FUNCTION kept_{kept.name}() IS '{_digest(kept)}'")
        for statement in (*statements, *kept.fill):
            cursor.execute(statement)


def _drops(connection: BaseDatabaseWrapper) -> list[str]:
    """SQL that drops all triggers of this kind, those of other versions of Fovea too."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, 5) = 'kept_'")
            return [f"DROP TRIGGER {name}" for (name,) in cursor.fetchall()]
        cursor.execute(
            "SELECT proname FROM pg_proc "
            "WHERE left(proname, 5) = 'kept_' AND pronamespace = current_schema::regnamespace"
        )
        return [f"DROP FUNCTION {name}() CASCADE" for (name,) in cursor.fetchall()]


def _there(connection: BaseDatabaseWrapper, kept: Kept) -> bool:
    """Whether its triggers are there, enabled, and as they should be."""
    if connection.vendor == "sqlite":
        return _sqlite_found(connection, kept) == dict(kept.sqlite)
    names = set(re.findall(r"TRIGGER (kept_\w+)", "\n".join(kept.postgresql)))
    with connection.cursor() as cursor:
        cursor.execute("SELECT obj_description(to_regproc(%s), 'pg_proc')", [f"kept_{kept.name}"])
        (digest,) = cursor.fetchone()
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgname = ANY(%s) AND tgenabled = 'O'", [list(names)])
        return bool(digest == _digest(kept)) and {name for (name,) in cursor.fetchall()} == names


def _filled(connection: BaseDatabaseWrapper, kept: Kept) -> bool:
    """Not where all rows were deleted at once, such as by `flush`: the counts may have gone before the rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {kept.tables[0]} LIMIT 1")  # noqa: S608
        return cursor.fetchone() is not None


def _wrong(connection: BaseDatabaseWrapper, kept: Kept) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(kept.differs)
        return bool(cursor.fetchone()[0])


def _sqlite_found(connection: BaseDatabaseWrapper, kept: Kept) -> dict[str, str]:
    marks = ", ".join(["%s"] * len(kept.sqlite))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT name, sql FROM sqlite_master WHERE name IN ({marks})", list(kept.sqlite))  # noqa: S608
        return dict(cursor.fetchall())


def _digest(kept: Kept) -> str:
    return hashlib.sha256("\n".join(kept.postgresql).encode()).hexdigest()
