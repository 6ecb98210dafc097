"""Batches from folders, taken up again."""

from pathlib import Path

import pytest

from tests.pictures import picture, picture_write
from tests.webapp.zips import COLOURS, errors
from webapp.accounts.models import User
from webapp.gallery.errors import BatchRejected
from webapp.gallery.models import Batch, BatchItem, CaptionJob, Photo
from webapp.gallery.services.batches import (
    batch_cancel,
    batch_create_from_folder,
    batch_folder_take,
    folder_files,
)

State = CaptionJob.State


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "holiday"
    for colour in COLOURS:
        picture_write(folder, f"{colour}/{colour}.jpg", colour)
    (folder / "notes.txt").write_text("hello")
    picture_write(folder, ".hidden/red.jpg")
    return folder


def take(owner: User, folder: Path, name: str = "") -> Batch:
    batch = batch_create_from_folder(owner=owner, folder=folder, name=name)
    for _ in batch_folder_take(batch=batch, folder=folder):
        pass
    batch.refresh_from_db()
    return batch


def test_folder_files_are_its_photos_alone(folder: Path) -> None:
    assert folder_files(folder) == sorted(f"{colour}/{colour}.jpg" for colour in COLOURS)


def test_folder_becomes_a_batch_in_the_bulk_lane(media: Path, user: User, folder: Path) -> None:
    batch = take(user, folder)
    assert (batch.name, batch.state, batch.items.count()) == ("holiday", Batch.State.RUNNING, 4)
    assert set(CaptionJob.objects.values_list("lane", flat=True)) == {"bulk"}


def test_folder_submitted_twice_makes_no_duplicates(media: Path, user: User, folder: Path) -> None:
    assert take(user, folder) == take(user, folder)
    assert (Photo.objects.count(), BatchItem.objects.count()) == (4, 4)


def test_folder_submitted_again_takes_what_was_added_and_what_was_mended(media: Path, user: User, folder: Path) -> None:
    broken = folder / "broken.jpg"
    broken.write_bytes(b"x")
    assert errors(take(user, folder)) == {"broken.jpg": "not_an_image"}
    broken.write_bytes(picture("white"))
    picture_write(folder, "new.jpg", "yellow")
    batch = take(user, folder)
    assert not errors(batch)
    assert Photo.objects.count() == 6


def test_folder_submitted_again_after_a_cancel_is_wanted_after_all(media: Path, user: User, folder: Path) -> None:
    batch = take(user, folder)
    batch_cancel(batch=batch)
    picture_write(folder, "new.jpg", "yellow")
    assert take(user, folder).state == Batch.State.RUNNING
    assert list(CaptionJob.objects.values_list("state", flat=True)) == ["queued"] * 5


def test_folder_file_that_vanished_fails_alone(media: Path, user: User, folder: Path) -> None:
    batch = batch_create_from_folder(owner=user, folder=folder)
    (folder / "red" / "red.jpg").unlink()
    for _ in batch_folder_take(batch=batch, folder=folder):
        pass
    assert errors(batch) == {"red/red.jpg": "unreadable"}


def test_folder_without_photos_is_refused(user: User, tmp_path: Path) -> None:
    with pytest.raises(BatchRejected, match="holds no photos"):
        batch_create_from_folder(owner=user, folder=tmp_path)


def test_folder_that_is_none_is_refused(user: User, tmp_path: Path) -> None:
    with pytest.raises(BatchRejected, match="is not a folder"):
        batch_create_from_folder(owner=user, folder=tmp_path / "missing")
