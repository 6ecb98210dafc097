"""Errors that are the machine's, not a photo's: a full disk, a database that is away or locked."""

import errno
from typing import Final

from django.db import Error, InterfaceError, OperationalError

from webapp.data_folder.disk_room import room_left, room_look
from webapp.errors import SiteError

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_TEXTS: Final = ("disk is full", "No space left on device")  # of SQLite and PostgreSQL
_FAULT_TEXT: Final = "disk I/O error"  # SQLite's word for a log that it cannot make longer, and for broken disks


def disk_full(error: BaseException | None) -> bool:
    """Whether a file or a row found no room."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    if not isinstance(error, Error):
        return False
    return any(text in str(error) for text in _FULL_TEXTS) or (_FAULT_TEXT in str(error) and not room_left())


def outage(error: BaseException | None) -> SiteError | None:
    """What people are told of it: no_space or database_unavailable. None for any other error."""
    if disk_full(error):
        if isinstance(error, Error):
            room_look()  # rows go first: what is kept for them is theirs now
        return SiteError("no_space", "The disk is full, so it was not stored. Free some space, then retry.")
    if isinstance(error, (OperationalError, InterfaceError)):
        return SiteError("database_unavailable", "The database does not answer now. Try again in some seconds.")
    return None
