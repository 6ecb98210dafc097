"""Reads: whether the media folder belongs to this database, and messages about it for staff."""

import contextlib
from pathlib import Path, PurePosixPath
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet

from webapp.batches.models import Batch
from webapp.data_folder.disk_room import room_notice
from webapp.photos import storage
from webapp.photos.lost_and_found import KEPT_DAYS, lost_told
from webapp.photos.models import Photo
from webapp.upkeep.models import Installation

IDENTITY_FILE: Final = "identity"
OTHERS: Final = (
    "The media folder and the database belong to different sites, so nothing is cleaned. Check FOVEA_DATABASE_URL and "
    "FOVEA_DATA_DIR. To keep the two together, run `manage.py recover_media`: it creates the missing rows."
)
AWAY: Final = (
    "The database has photos, but their files are missing from the media folder, so nothing is cleaned. Mount the "
    "media folder, or restore it from its backup."
)


def media_messages() -> list[str]:
    """Problems with the files, and what to do; empty if there are none. One query."""
    messages = [problem for problem in (room_notice(), identity_problem()) if problem]
    if told := lost_told():
        messages.append(f"{told}, for {KEPT_DAYS} days. `manage.py recover_media` recovers them.")
    return messages


def identity_problem() -> str:
    """The known problem; empty if media folder and database agree or are not paired yet."""
    database, media = database_identity(), media_identity()
    if not database or database == media:
        return ""
    return OTHERS if media or any(storage.folders("photos")) else AWAY


def database_identity() -> str:
    return Installation.objects.filter(pk=1).values_list("identity", flat=True).first() or ""


def media_identity() -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return (Path(settings.MEDIA_ROOT) / IDENTITY_FILE).read_text(encoding="utf-8").strip()
    return ""


def photos_places() -> dict[str, int]:
    """The folders that rows of photos name, with the row's primary key. One query over all rows."""
    return _places(Photo.objects.values_list("original", "pk"))


def places_named() -> dict[str, int]:
    """The folders that rows of any kind name."""
    return photos_places() | _places(Batch.objects.exclude(archive="").values_list("archive", "pk"))


def _places(rows: QuerySet[Any, Any]) -> dict[str, int]:
    return {str(PurePosixPath(name).parent): pk for name, pk in rows.iterator()}
