"""Media folder and database belong together. If they do not match, nothing may be cleaned.

Both hold one identity, made when they were first used together: `Installation` in the database, a file in the folder.
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
    """Give both an identity if they lack one and belong together. Returns the problem; empty if there is none.

    If the database names fewer than half of the media, the media belong to another site. Then each gets its own
    identity, so they still differ after the next uploads. If most files that the database names are missing, the media
    folder is not mounted: nothing is written.
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
    """Pair the media folder with this database."""
    with transaction.atomic():
        row, _ = Installation.objects.select_for_update().get_or_create(pk=1, defaults={"identity": ""})
        row.identity = row.identity or media_identity() or secrets.token_hex(16)
        row.save(update_fields=["identity"])
        _media_identify(row.identity)


def _media_identify(identity: str) -> None:
    folder = Path(settings.MEDIA_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    storage.text_replace(folder / IDENTITY_FILE, f"{identity}\n")
