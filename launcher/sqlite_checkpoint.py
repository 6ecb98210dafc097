"""After the last process has ended: the SQLite database is made one file again."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

_PATIENCE_SECONDS = 5.0  # for a command that still writes


def database_settle(path: Path, *, say: Callable[[str], None]) -> None:
    """Move the write-ahead log into the database file, so that the one file is complete.

    SQLite does so when the last connection closes. Our processes end without closing theirs, so the log stays behind.
    """
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=_PATIENCE_SECONDS)) as connection:
            (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            why = "another program reads it" if busy else ""
    except sqlite3.Error as error:
        why = str(error)
    if why:
        say(
            f"  {path}-wal still holds a part of the database ({why}). Nothing is lost: the next start goes on with "
            "it. For a copy of the database, take both files."
        )
