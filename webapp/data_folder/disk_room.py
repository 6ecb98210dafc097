"""Whether the disk has room for photos, besides what is kept for rows."""

from django.conf import settings

from webapp.data_folder.disk_reserve import AMPLE_BYTES, Reserve
from webapp.errors import SiteError


def room_look() -> bool:
    """Whether photos may be taken. Gives the reserve up where the disk is nearly full, and makes it anew."""
    return Reserve(settings.DATA_DIR).look()


def room_left() -> bool:
    """Whether the disk has some room at all."""
    return not Reserve(settings.DATA_DIR).disk_full


def room_check() -> None:
    """Raises SiteError (no_space) where photos may not be taken."""
    if not room_look():
        raise SiteError("no_space", f"The disk is nearly full, so it was not stored. {_remedy()}, then retry.")


def room_notice() -> str:
    """For people; empty where photos are taken."""
    return f"The disk is nearly full: no photo is taken. {_remedy()}." if Reserve(settings.DATA_DIR).given_up else ""


def _remedy() -> str:
    return f"Free some space ({AMPLE_BYTES // 2**20:,} MB or more)"
