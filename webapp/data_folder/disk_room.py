"""Whether the disk has room for photos besides the space reserved for database rows."""

from django.conf import settings

from webapp.data_folder.disk_reserve import AMPLE_BYTES, Reserve
from webapp.errors import SiteError


def room_look() -> bool:
    """Whether uploads may go on. Empties the reserve if the disk is nearly full, and makes it again later."""
    return Reserve(settings.DATA_DIR).look()


def room_left() -> bool:
    """Whether the disk has any room left."""
    return not Reserve(settings.DATA_DIR).disk_full


def room_check() -> None:
    """Raises SiteError (no_space) while uploads are refused."""
    if not room_look():
        raise SiteError("no_space", f"The disk is nearly full, so the file was not stored. {_remedy()}, then retry.")


def room_notice() -> str:
    """A message to people. Empty while uploads are accepted."""
    return f"The disk is nearly full: uploads are refused. {_remedy()}." if Reserve(settings.DATA_DIR).given_up else ""


def _remedy() -> str:
    return f"Free some space ({AMPLE_BYTES // 2**20:,} MB or more)"
