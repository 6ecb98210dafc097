"""Whether the disk has room for photos, besides what is kept for rows."""

from django.conf import settings

from webapp.gallery.errors import GalleryError
from webapp.reserve import Reserve


def room_look() -> bool:
    """Whether photos may be taken. Gives the reserve up where the disk is nearly full, and makes it anew."""
    return Reserve(settings.DATA_DIR).look()


def room_check() -> None:
    """Raises GalleryError (no_space) where photos may not be taken."""
    if not room_look():
        raise GalleryError("no_space", f"The disk is nearly full, so it was not stored. {_remedy()}, then retry.")


def room_notice() -> str:
    """For people; empty where photos are taken."""
    if not Reserve(settings.DATA_DIR).wanting_bytes:
        return ""
    return f"The disk is nearly full: no photo is taken. {_remedy()}."


def _remedy() -> str:
    return f"Free some space ({-(-Reserve(settings.DATA_DIR).wanting_bytes // 2**20):,} MB or more)"
