"""Copies the data folder, while the site may run: first a snapshot of the database, then the files.

In this order each row of the copy has its files. The exception is a photo deleted meanwhile: the command reports it.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection

from webapp.data_folder.outages import disk_full
from webapp.errors import SiteError

DATABASE: Final = "fovea.sqlite3"
FOLDERS: Final = ("media", "models", "secrets")
MARKERS: Final = ("samples-submitted",)
_NOT_COPIED: Final = {"incoming"}  # unfinished uploads
_MARK: Final = "fovea-backup"


class BackupFailed(SiteError):
    """The backup is incomplete. Codes: wrong_target, no_space, unreadable."""


def backup_target_check(target: Path) -> None:
    """Raises BackupFailed (wrong_target) if the target is in the data folder, or holds other files."""
    data = Path(settings.DATA_DIR).resolve()
    if target.resolve().is_relative_to(data):
        raise BackupFailed(
            "wrong_target",
            f"{target} is in the data folder. Name a folder outside of it, on another disk if possible.",
        )
    if target.exists() and not (target.is_dir() and ((target / _MARK).exists() or not any(target.iterdir()))):
        raise BackupFailed("wrong_target", f"{target} contains other files. Name a new folder, or an earlier backup.")


def backup_files(target: Path) -> list[tuple[Path, Path]]:
    """The files to copy, as pairs of source and copy. Leaves out files that the target already has. Stored files never
    change, so name, size and time suffice to compare them."""
    data = Path(settings.DATA_DIR)
    sources = [data / name for name in MARKERS if (data / name).exists()]
    for folder in FOLDERS:
        sources += _files(data / folder)
    pairs = ((source, target / source.relative_to(data)) for source in sources)
    return [(source, copy) for source, copy in pairs if not _same(source, copy)]


def backup_database(target: Path) -> bool:
    """Copy a snapshot of the database. False if it is not SQLite: use the server's own tools then."""
    database = settings.DATABASES["default"]["NAME"]
    if connection.vendor == "sqlite" and not Path(database).exists():
        raise BackupFailed(
            "unreadable", f"There is no site in {settings.DATA_DIR}. Set FOVEA_DATA_DIR to the data folder to back up."
        )
    target.mkdir(mode=0o700, parents=True, exist_ok=True)  # private: it holds secrets, and the database does too
    (target / _MARK).touch()
    if connection.vendor != "sqlite":
        return False
    partial = target / f".{DATABASE}.partial"
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    try:
        with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(partial)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without -wal and -shm
    except sqlite3.Error as error:
        partial.unlink(missing_ok=True)
        raise BackupFailed(
            "unreadable", f"The database could not be copied: {error}. Check the disk's free space, then try again."
        ) from error
    for beside in ("-wal", "-shm"):
        (target / f"{DATABASE}{beside}").unlink(missing_ok=True)
    partial.replace(target / DATABASE)
    return True


def backup_copy(files: list[tuple[Path, Path]]) -> Iterator[bool]:
    """Copy the files one after the other, each atomically. Yields False for a file deleted meanwhile."""
    for source, copy in files:
        partial = copy.with_name(f".{copy.name}.partial")
        try:
            _folders_make(source.parent, copy.parent)
            shutil.copy2(source, partial)
            partial.replace(copy)
        except FileNotFoundError:
            yield False
            continue
        except OSError as error:
            partial.unlink(missing_ok=True)
            full = disk_full(error)
            remedy = "Free some space" if full else "Give this account access"
            raise BackupFailed(
                "no_space" if full else "unreadable",
                f"{source} could not be copied ({error.strerror}). {remedy}, then run this again: it continues.",
            ) from error
        yield True


def backup_missing(target: Path) -> list[str]:
    """The names of photos in the copied database whose files the copy lacks."""
    if connection.vendor != "sqlite":
        return []
    with closing(sqlite3.connect(f"{(target / DATABASE).resolve().as_uri()}?mode=ro", uri=True)) as copy:
        rows = copy.execute("SELECT name, original FROM photos_photo")
        return [str(name) for name, original in rows if not (target / "media" / original).exists()]


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _NOT_COPIED and not name.startswith(".")]
        yield from (Path(place) / name for name in names if not name.startswith("."))


def _folders_make(source: Path, copy: Path) -> None:
    """Make folders with the permissions that they have in the data folder."""
    if not copy.exists():
        _folders_make(source.parent, copy.parent)
        copy.mkdir(exist_ok=True)
        shutil.copymode(source, copy)


def _same(source: Path, copy: Path) -> bool:
    try:
        one, other = source.stat(), copy.stat()
    except FileNotFoundError:
        return False
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)
