"""Media folder and database belong together. Where they do not, nothing may be cleaned.

Both carry one identity, made when they first met. The database keeps it in `Installation`, the media folder in a file.
"""

import logging
import os
import secrets
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.db import transaction

from webapp.gallery import storage
from webapp.gallery.models import Installation, Photo
from webapp.gallery.selectors.media import AWAY, IDENTITY_FILE, OTHERS, media_identity

log = logging.getLogger(__name__)


def identity_settle() -> str:
    """Gives both an identity where they lack one and belong together. Returns what is wrong, empty if nothing is.

    A database that knows fewer than half of the folders is not theirs. It gets an identity of its own, and the folder
    another one, so that they go on to disagree whatever is uploaded next.
    """
    with transaction.atomic():
        row, _ = Installation.objects.select_for_update().get_or_create(pk=1, defaults={"identity": ""})
        media = media_identity()
        if row.identity and media:
            return "" if row.identity == media else OTHERS
        folders = set(storage.folders("photos"))
        if not folders and Photo.objects.exists():
            return AWAY
        named = {
            str(PurePosixPath(name).parent) for name in Photo.objects.values_list("original", flat=True).iterator()
        }
        ours = 2 * len(folders & named) >= len(folders)
        if ours:
            row.identity = row.identity or media or secrets.token_hex(16)
            _media_identify(row.identity)
        else:
            row.identity = row.identity or secrets.token_hex(16)
            if not media:
                _media_identify(secrets.token_hex(16))
        row.save(update_fields=["identity"])
    if not ours:
        log.error("%s", OTHERS)
        return OTHERS
    return ""


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
    partial = folder / f".{IDENTITY_FILE}.{os.getpid()}"
    partial.write_text(f"{identity}\n", encoding="utf-8")
    partial.replace(folder / IDENTITY_FILE)
