"""Photos whose rows are gone, and what brings them back."""

import os
import time
from pathlib import Path

from django.core.management import call_command

from tests.pictures import picture, upload
from webapp.accounts.models import User
from webapp.captioning.services.photo_intake import photo_submit
from webapp.photos.models import Photo
from webapp.upkeep.models import Installation
from webapp.upkeep.services.media_identity import identity_settle
from webapp.upkeep.services.media_tidying import storage_sweep

COLOURS = ("red", "blue", "tan")


def photos_stored(owner: User) -> list[Photo]:
    """On a site whose media folder and database have met."""
    assert identity_settle() == ""
    return [photo_submit(owner=owner, file=upload(picture(colour)), name=f"{colour}.jpg")[0] for colour in COLOURS]


def photos_lost(media: Path, photos: list[Photo]) -> list[Photo]:
    """An older database was restored: it knows none of the photos but the first. Returns those it does not know."""
    Photo.objects.exclude(pk=photos[0].pk).delete()
    media_old(media)
    assert storage_sweep() == len(photos) - 1
    return photos[1:]


def database_new() -> None:
    """Another database: nothing of the old one is in it."""
    Photo.objects.all().delete()
    Installation.objects.all().delete()


def media_old(media: Path) -> None:
    then = time.time() - 3 * 3600
    for path in media.rglob("*"):
        os.utime(path, (then, then))


def recover(*arguments: str) -> int:
    """The exit status of `manage.py recover_media`."""
    try:
        call_command("recover_media", *arguments)
    except SystemExit as error:
        return int(error.code or 0)
    return 0


def contents(media: Path) -> set[bytes]:
    """Of all originals, wherever they lie."""
    return {path.read_bytes() for path in media.rglob("original")}
