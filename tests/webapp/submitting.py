"""Folders of photos, submitted as `manage.py submit_folder` does it."""

from pathlib import Path

from tests.pictures import picture_write
from tests.webapp.zips import COLOURS
from webapp.accounts.models import User
from webapp.batches.folder_listing import folder_found
from webapp.batches.models import Batch
from webapp.batches.services.submissions import submission_create, submission_take
from webapp.photos.tally import Tally


def holiday(place: Path) -> Path:
    """A folder with a photo in each of four folders."""
    folder = place / "holiday"
    for colour in COLOURS:
        picture_write(folder, f"{colour}/{colour}.jpg", colour)
    return folder


def take(
    owner: User, folder: Path, *, name: str = "", submission: str = "", deleted_too: bool = False
) -> tuple[Batch, Tally]:
    found = folder_found(folder)
    batch, gone = submission_create(owner=owner, folder=folder, found=found, name=name, submission=submission)
    tally = Tally(gone=gone)
    for _ in submission_take(batch=batch, folder=folder, found=found, tally=tally, deleted_too=deleted_too):
        pass
    assert tally.found == len(found)
    batch.refresh_from_db()
    return batch, tally
