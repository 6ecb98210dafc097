"""Errors caused by the machine, not by a photo: a full disk, or a database that is unreachable or locked."""

import errno
from typing import Final

from django.db import Error, InterfaceError, OperationalError

from webapp.data_folder.disk_room import room_left, room_look
from webapp.errors import SiteError

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_TEXTS: Final = ("disk is full", "No space left on device")  # of SQLite and PostgreSQL
_FAULT_TEXT: Final = "disk I/O error"  # SQLite says this when its log cannot grow, and for broken disks


def disk_full(error: BaseException | None) -> bool:
    """Whether the error means that the disk is full."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    if not isinstance(error, Error):
        return False
    return any(text in str(error) for text in _FULL_TEXTS) or (_FAULT_TEXT in str(error) and not room_left())


def outage(error: BaseException | None) -> SiteError | None:
    """The error to show to people: no_space or database_unavailable. None for any other error."""
    if disk_full(error):
        if isinstance(error, Error):
            room_look()  # rows take precedence: this empties the reserve for them
        return SiteError("no_space", "The disk is full, so nothing was stored. Free some space, then retry.")
    if isinstance(error, (OperationalError, InterfaceError)):
        return SiteError("database_unavailable", "The database does not answer. Try again in a few seconds.")
    return None
