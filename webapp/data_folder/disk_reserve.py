"""Room on the disk that is kept for rows: a file that is given up when the disk is nearly full.

Photos could fill a disk to its last byte, and then no caption, no lease and no deletion finds room for its row. The
reserve's own room then serves these, and uploads are refused until there is room to have it anew. No Django here.
"""

import fcntl
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

# A caption with its words and alternatives takes some 4 KB of the database and as much of its log, which is of 4 MB
# before it is written back; the queue and the processes' logs write too. So it lasts for thousands of captions.
RESERVE_BYTES: Final = 32 * 2**20
LOW_BYTES: Final = 4 * 2**20  # what may be written between two looks by those who take no photos
AMPLE_BYTES: Final = 2 * RESERVE_BYTES  # on a disk that never had as much there is none, and it is filled as it comes


class Reserve:
    """The file is of its full size, or empty once it was given up. All processes of a site look after it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "disk-reserve"

    @property
    def disk_full(self) -> bool:
        try:
            return self._free() < LOW_BYTES
        except FileNotFoundError:  # there is no data folder yet
            return False

    @property
    def given_up(self) -> bool:
        """Photos are not taken before there is ample room again."""
        try:
            return self._file.stat().st_size == 0
        except FileNotFoundError:
            return False

    def look(self) -> bool:
        """Give it up where the disk is nearly full, make it where there is ample room. Whether photos may be taken."""
        try:
            if self._file.exists() and not self.given_up:
                if self._free() < LOW_BYTES:
                    self._give_up()
            elif self._free() >= AMPLE_BYTES:
                self._make()
        except FileNotFoundError:  # there is no data folder yet
            return True
        except PermissionError:  # a command of another account made it
            return self._free() >= LOW_BYTES
        return not self.given_up

    def _free(self) -> int:
        found = os.statvfs(self._folder)
        return found.f_bavail * found.f_frsize

    def _give_up(self) -> None:
        os.truncate(self._file, 0)
        log.warning(
            "The disk of %s is nearly full: its reserve is given up to captions, uploads are refused. Free %d MB.",
            self._folder,
            AMPLE_BYTES // 2**20,
        )

    def _make(self) -> None:
        partial = self._file.with_suffix(".partial")
        try:
            with open(partial, "a+b", opener=_private) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _allocate(file.fileno())
                partial.rename(self._file)
        except (BlockingIOError, FileNotFoundError):
            pass  # another process makes it, or has made it
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            log.warning("There is no room for the reserve in %s: %s", self._folder, error.strerror)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _allocate(descriptor: int) -> None:
    """Really: a file of holes keeps no room."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
    else:
        os.pwrite(descriptor, bytes(RESERVE_BYTES), 0)
        os.fsync(descriptor)
