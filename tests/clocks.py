"""Clocks that a test may set: the database's, for this process's connections, and a whole machine's."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.backends.signals import connection_created

from tests.missing_services import service_missing

FILE = "FAKETIME_TIMESTAMP_FILE"
# Python sleeps until a moment of the monotonic clock. libfaketime 0.9.10 makes one before 1970 of it (its issue 426).
SLEEP = "import select, time\ntime.sleep = lambda seconds: select.select([], [], [], seconds) and None\n"


class DatabaseClock:
    """What the database says the time is, on all connections of this process: its function for that is replaced."""

    def __init__(self) -> None:
        self._ahead = 0.0  # seconds

    def jump(self, seconds: float) -> None:
        self._ahead += seconds
        if connection.vendor == "postgresql":
            self._function_write()

    @contextmanager
    def settable(self) -> Iterator[None]:
        connection.ensure_connection()
        if connection.vendor == "postgresql":
            self._function_write()
        self._function_use(connection)
        connection_created.connect(self._function_use)
        try:
            yield
        finally:
            connection_created.disconnect(self._function_use)
            self._ahead = 0.0
            if connection.vendor == "postgresql":
                connection.cursor().execute("DROP SCHEMA clock CASCADE")

    def _function_use(self, connection: Any, **_: Any) -> None:
        if connection.vendor == "postgresql":
            connection.cursor().execute("SET search_path = clock, public, pg_catalog")
        else:
            # What this connection prepared before knows SQLite's own function. SQLite prepares it anew where a
            # function replaces one that was made here, so the second time.
            for _time in ("first", "second"):
                connection.connection.create_function("strftime", 2, self._strftime)

    def _function_write(self) -> None:
        connection.cursor().execute(
            "CREATE SCHEMA IF NOT EXISTS clock; "
            "CREATE OR REPLACE FUNCTION clock.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS "
            f"$$ SELECT pg_catalog.statement_timestamp() + interval '{self._ahead} s' $$"
        )

    def _strftime(self, form: str, moment: str) -> str:
        """As Django asks SQLite for the time."""
        assert (form, moment) == ("%Y-%m-%d %H:%M:%f", "NOW")
        return (datetime.now(UTC) + timedelta(seconds=self._ahead)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


@pytest.fixture
def database_clock(db: None) -> Iterator[DatabaseClock]:
    clock = DatabaseClock()
    with clock.settable():
        yield clock


# --- A machine's ------------------------------------------------------------------------------------------------------


def faketime_library() -> Path:
    """libfaketime; a test that asks is skipped where it is missing."""
    found = faketime_found()
    if found is None:
        service_missing("libfaketime is not installed (Debian: faketime)")
    return found


def faketime_found() -> Path | None:
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


@contextmanager
def machine_clock() -> Iterator[dict[str, str]]:
    """The environment of processes that share a wall clock, which `machine_clock_set` sets. Their monotonic clocks and
    the times of files go on. Empty where libfaketime is missing."""
    library = faketime_found()
    if library is None:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="fovea-clock-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user
        (Path(folder) / "sitecustomize.py").write_text(SLEEP)
        _write(Path(folder) / "ahead", 0)
        yield {
            "PYTHONPATH": folder,
            "LD_PRELOAD": str(library),
            FILE: str(Path(folder) / "ahead"),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }


def machine_clock_settable() -> bool:
    """Whether this process was started in such an environment."""
    return FILE in os.environ


def machine_clock_set(*, ahead: float) -> None:
    """So many seconds ahead of the true time, for this process and all that it started."""
    _write(Path(os.environ[FILE]), ahead)


def _write(file: Path, ahead: float) -> None:
    new = file.with_suffix(".new")
    new.write_text(f"{ahead:+.0f}\n")
    new.chmod(0o644)
    new.replace(file)  # read at any moment
