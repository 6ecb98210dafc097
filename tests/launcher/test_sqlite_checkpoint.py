"""After a clean stop the database is one file; where that cannot be, it is said."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from launcher.sqlite_checkpoint import database_settle


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """One whose rows lie in its write-ahead log, as a process leaves it that ends at once."""
    path = tmp_path / "fovea.sqlite3"
    made, killed = tmp_path / "made.sqlite3", "made.sqlite3"
    with closing(sqlite3.connect(made)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE photo (name)")
        connection.execute("INSERT INTO photo VALUES ('dog')")
        connection.commit()
        for beside in ("", "-wal"):
            shutil.copy(tmp_path / f"{killed}{beside}", f"{path}{beside}")
    return path


def rows_of_the_file_alone(database: Path) -> int:
    alone = shutil.copy(database, database.with_name("alone.sqlite3"))
    with closing(sqlite3.connect(alone)) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM photo").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def test_database_is_one_file_after_a_clean_stop(database: Path) -> None:
    said: list[str] = []
    assert rows_of_the_file_alone(database) == 0
    database_settle(database, say=said.append)
    assert rows_of_the_file_alone(database) == 1
    assert said == []
    assert not database.with_name("fovea.sqlite3-wal").exists()


def test_database_that_another_program_reads_is_told(database: Path) -> None:
    said: list[str] = []
    with closing(sqlite3.connect(database)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM photo").fetchall()
        with closing(sqlite3.connect(database)) as writer:
            writer.execute("INSERT INTO photo VALUES ('cat')")
            writer.commit()
        database_settle(database, say=said.append)
    assert "still holds a part of the database (another program reads it)" in said[0]
    assert "take both files" in said[0]


def test_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    database_settle(tmp_path / "none.sqlite3", say=pytest.fail)
    assert not list(tmp_path.iterdir())
