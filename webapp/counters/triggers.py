"""Triggers that keep columns and counts right, whatever writes the rows. Made and mended after each `migrate`.

Django makes many SQLite tables anew to change a column, which drops the table's triggers, silently. So no migration
makes them: `triggers_follow` compares what is there with what should be, and makes and fills what differs.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True)
class Kept:
    """Something that triggers keep.

    Args:
        name: the triggers' names begin with kept_ and this name; so is the function on PostgreSQL.
        tables: those that must be there first; the first one's rows are what is kept right.
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


def triggers_follow(*, using: str, **_signal: object) -> None:
    """The receiver of `post_migrate`."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    for kept in _KEPT.values():
        if tables.issuperset(kept.tables) and not (_there(connection, kept) and _filled(connection, kept)):
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
            cursor.execute(f"LOCK TABLE {', '.join(kept.tables)} IN SHARE ROW EXCLUSIVE MODE")
            statements = (*kept.postgresql, f"COMMENT ON FUNCTION kept_{kept.name}() IS '{_digest(kept)}'")
        for statement in (*statements, *kept.fill):
            cursor.execute(statement)


def _there(connection: BaseDatabaseWrapper, kept: Kept) -> bool:
    """Whether its triggers are there, as they should be."""
    if connection.vendor == "sqlite":
        return _sqlite_found(connection, kept) == dict(kept.sqlite)
    with connection.cursor() as cursor:
        cursor.execute("SELECT obj_description(to_regproc(%s), 'pg_proc')", [f"kept_{kept.name}"])
        return bool(cursor.fetchone()[0] == _digest(kept))


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
