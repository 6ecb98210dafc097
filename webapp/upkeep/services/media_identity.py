"""Media folder and database belong together. Where they do not, nothing may be cleaned.

Both carry one identity, made when they first met. The database keeps it in `Installation`, the media folder in a file.
"""

import logging
import secrets
from pathlib import Path

from django.conf import settings
from django.db import transaction

from webapp.photos import storage
from webapp.upkeep.models import Installation
from webapp.upkeep.selectors import AWAY, IDENTITY_FILE, OTHERS, media_identity, photos_places

log = logging.getLogger(__name__)


def identity_settle() -> str:
    """Gives both an identity where they lack one and belong together. Returns what is wrong, empty if nothing is.

    Media of which this database names fewer than half are another's. Then it gets an identity of its own, and the media
    folder another one, so that they go on to disagree whatever is uploaded next. Where most files that it names are
    missing, the media folder is away: nothing is written.
    """
    with transaction.atomic():
        row, _ = Installation.objects.select_for_update().get_or_create(pk=1, defaults={"identity": ""})
        media = media_identity()
        if row.identity and media:
            return "" if row.identity == media else OTHERS
        folders, named = set(storage.folders("photos")), photos_places().keys()
        known = len(folders & named)
        if 2 * known < len(named) and 2 * known >= len(folders):
            return AWAY
        ours = 2 * known >= len(folders)
        row.identity = row.identity or (media if ours else "") or secrets.token_hex(16)
        row.save(update_fields=["identity"])
        if ours or not media:
            _media_identify(row.identity if ours else secrets.token_hex(16))
    if not ours:
        log.error("%s", OTHERS)
    return "" if ours else OTHERS


def identity_adopt() -> None:
    """The media folder belongs to this database from now on."""
    with transaction.atomic():
        row, _ = Installation.objects.select_for_update().get_or_create(pk=1, defaults={"identity": ""})
        row.identity = row.identity or media_identity() or secrets.token_hex(16)
        row.save(update_fields=["identity"])
        _media_identify(row.identity)


def _media_identify(identity: str) -> None:
    folder = Path(settings.MEDIA_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    storage.text_replace(folder / IDENTITY_FILE, f"{identity}\n")
