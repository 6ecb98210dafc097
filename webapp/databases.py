"""Which database a URL names. This module imports no Django, because the launcher uses it."""

from pathlib import Path
from typing import Any

import dj_database_url

from webapp.env import BASE_DIR

SQLITE = "django.db.backends.sqlite3"


def database_parts(url: str, *, data_dir: Path) -> dict[str, Any]:
    """Django's ENGINE, NAME, HOST and so on. An empty URL is SQLite in the data folder.

    A relative path is relative to the checkout, not to the working directory: commands find one database everywhere.
    """
    if not url:
        return {"ENGINE": SQLITE, "NAME": str(data_dir / "fovea.sqlite3")}
    parts: dict[str, Any] = dict(dj_database_url.parse(url))
    if parts["ENGINE"] == SQLITE and parts["NAME"] != ":memory:":
        parts["NAME"] = str(BASE_DIR / parts["NAME"])
    return parts


def same_database(one: str, other: str, *, data_dir: Path) -> bool:
    parts, others = (database_parts(url, data_dir=data_dir) for url in (one, other))
    return all((parts.get(name) or "") == (others.get(name) or "") for name in ("ENGINE", "NAME", "HOST", "PORT"))


def sqlite_path(url: str, *, data_dir: Path) -> Path | None:
    """The file of an SQLite database; None for any other."""
    parts = database_parts(url, data_dir=data_dir)
    return Path(parts["NAME"]) if parts["ENGINE"] == SQLITE and parts["NAME"] != ":memory:" else None
