"""Disk space reserved for database rows: a file that is emptied when the disk is nearly full.

Photos can fill a disk to its last byte. Then no caption, lease or deletion can be written. Emptying the reserve frees
space for these rows. Uploads are refused until the disk has space for a new reserve. This module imports no Django.
"""

import fcntl
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

# A caption with its words and alternatives takes about 4 KB in the database and 4 KB in its write-ahead log. The log
# grows to 4 MB before a checkpoint. The queue and the log files write too. The reserve lasts for thousands of captions.
RESERVE_BYTES: Final = 32 * 2**20
LOW_BYTES: Final = 4 * 2**20  # room for other writes between two looks at the disk
AMPLE_BYTES: Final = 2 * RESERVE_BYTES  # a disk that never had this much gets no reserve, and uploads go on


class Reserve:
    """A file of RESERVE_BYTES, or empty after it was given up. All processes of a site share it."""

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
        """While this is true, uploads are refused."""
        try:
            return self._file.stat().st_size == 0
        except FileNotFoundError:
            return False

    def look(self) -> bool:
        """Empty the reserve if the disk is nearly full, make it if there is room. Returns whether uploads may go on."""
        try:
            if self._file.exists() and not self.given_up:
                if self._free() < LOW_BYTES:
                    self._give_up()
            elif self._free() >= AMPLE_BYTES:
                self._make()
        except FileNotFoundError:  # there is no data folder yet
            return True
        except PermissionError:  # another operating system account made the file
            return self._free() >= LOW_BYTES
        return not self.given_up

    def _free(self) -> int:
        found = os.statvfs(self._folder)
        return found.f_bavail * found.f_frsize

    def _give_up(self) -> None:
        os.truncate(self._file, 0)
        log.warning(
            "The disk of %s is nearly full. Its reserve now serves captions; uploads are refused. Free %d MB.",
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
            pass  # another process is making it, or has made it
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            log.warning("The disk reserve could not be made in %s: %s", self._folder, error.strerror)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _allocate(descriptor: int) -> None:
    """Allocate real blocks: a sparse file reserves no space."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
    else:
        os.pwrite(descriptor, bytes(RESERVE_BYTES), 0)
        os.fsync(descriptor)
