"""Broker and database of the site that runs on a data folder, for commands that a person starts beside it.

The launcher writes them to a file while it holds `launcher.lock`. The file is valid only while the same process holds
that lock, so the file of a killed launcher is ignored. This module imports no Django: launcher and settings use it.
"""

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from webapp.env import url_shown

LAUNCHER_LOCK = "launcher.lock"
_FILE = "running.json"
_SERVER = "database-url"


@dataclass(frozen=True)
class RunningSite:
    process: int  # of the launcher
    broker_url: str
    database_url: str  # empty: SQLite in the data folder


def running_site(folder: Path) -> RunningSite | None:
    """The site that runs on this data folder; None if no site runs."""
    try:
        told = RunningSite(**json.loads((folder / _FILE).read_text(encoding="utf-8")))
        holder = _lock_holder(folder / LAUNCHER_LOCK)
    except (OSError, ValueError, TypeError):
        return None
    return told if told.process == holder else None


def running_site_write(folder: Path, site: RunningSite) -> None:
    """Called by the launcher, which holds the lock. The file holds passwords, so only its owner may read it."""
    temporary = folder / f".{_FILE}"
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(site), file)
    temporary.rename(folder / _FILE)


def server_database_note(folder: Path, url: str) -> None:
    """Record, without its password, the server database of this folder's site. An empty URL removes the record."""
    note = folder / _SERVER
    if not url:
        note.unlink(missing_ok=True)
        return
    note.write_text(f"{url_shown(url, user=True)}\n", encoding="utf-8")


def server_database(folder: Path) -> str:
    """The URL that `server_database_note` recorded; empty if there is none."""
    try:
        return (folder / _SERVER).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def running_site_remove(folder: Path) -> None:
    with suppress(OSError):
        (folder / _FILE).unlink()


def _lock_holder(lock: Path) -> int | None:
    """The process that holds the lock. This check takes a shared lock briefly; a launcher that starts then retries."""
    descriptor = os.open(lock, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.pread(descriptor, 32, 0))
    else:
        return None
    finally:
        os.close(descriptor)
