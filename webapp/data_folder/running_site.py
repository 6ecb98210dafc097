"""What the site that runs on a data folder works with, for commands that a person starts beside it.

The launcher writes it while it holds `launcher.lock`, and it counts only while that lock is held and was taken by the
same process: what a killed launcher has left is no running site. No Django here: the launcher and the settings read it.
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
    """The site that runs on this data folder, if one does."""
    try:
        told = RunningSite(**json.loads((folder / _FILE).read_text(encoding="utf-8")))
        holder = _lock_holder(folder / LAUNCHER_LOCK)
    except (OSError, ValueError, TypeError):
        return None
    return told if told.process == holder else None


def running_site_write(folder: Path, site: RunningSite) -> None:
    """For the launcher, which holds the lock. It holds passwords, so its owner alone may read it."""
    temporary = folder / f".{_FILE}"
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(site), file)
    temporary.rename(folder / _FILE)


def server_database_note(folder: Path, url: str) -> None:
    """Keeps, without its password, which database the site of this folder was given; none for that in the folder."""
    note = folder / _SERVER
    if not url:
        note.unlink(missing_ok=True)
        return
    note.write_text(f"{url_shown(url, user=True)}\n", encoding="utf-8")


def server_database(folder: Path) -> str:
    """What `server_database_note` kept; empty where nothing is."""
    try:
        return (folder / _SERVER).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def running_site_remove(folder: Path) -> None:
    with suppress(OSError):
        (folder / _FILE).unlink()


def _lock_holder(lock: Path) -> int | None:
    """Whoever looks holds the lock for a moment too, shared: a launcher that starts just then tries again."""
    descriptor = os.open(lock, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.pread(descriptor, 32, 0))
    else:
        return None
    finally:
        os.close(descriptor)
