"""Folders that are submitted again after photos, files or runs have gone their ways."""

import os
import shutil
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.pictures import picture, picture_write
from tests.webapp.submitting import holiday, take
from tests.webapp.zips import errors
from webapp.accounts.models import User
from webapp.batches.errors import BatchRejected
from webapp.batches.folder_listing import folder_found
from webapp.batches.models import BatchItem
from webapp.batches.selectors import batch_left_out, batch_progress, batch_tally
from webapp.batches.services.submissions import submission_create, submission_take
from webapp.captioning.models import CaptionJob
from webapp.captioning.services.photo_intake import photo_delete
from webapp.photos.models import Photo
from webapp.photos.tally import Tally

State = CaptionJob.State
Outcome = BatchItem.Outcome


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return holiday(tmp_path)


def test_photo_deleted_in_the_gallery_does_not_come_back(media: Path, user: User, folder: Path) -> None:
    batch, _ = take(user, folder)
    photo_delete(photo=Photo.objects.get(name="red.jpg"))
    _, tally = take(user, folder)
    assert str(tally) == "4 found: 0 taken, 3 there already, 1 left out (1 deleted in the gallery)."
    assert tally.complete
    assert Photo.objects.count() == 3
    assert batch_progress(batch).deleted == 1


def test_photo_deleted_in_the_gallery_comes_back_when_asked_for(media: Path, user: User, folder: Path) -> None:
    batch, _ = take(user, folder)
    photo_delete(photo=Photo.objects.get(name="red.jpg"))
    _, tally = take(user, folder, deleted_too=True)
    assert tally == Tally(taken=1, same=3)
    assert (Photo.objects.count(), batch.items.count(), batch_progress(batch).deleted) == (4, 4, 0)


def test_broken_file_is_tried_again(media: Path, user: User, folder: Path) -> None:
    broken = folder / "broken.jpg"
    broken.write_bytes(b"x")
    batch, tally = take(user, folder)
    assert (tally, tally.complete) == (Tally(taken=4, failed=1), False)
    assert errors(batch) == {"broken.jpg": "not_an_image"}
    broken.write_bytes(picture("white"))
    picture_write(folder, "new.jpg", "yellow")
    batch, tally = take(user, folder)
    assert tally == Tally(taken=2, same=4)
    assert not errors(batch)


def test_broken_file_that_was_removed_fails_no_more(media: Path, user: User, folder: Path) -> None:
    (folder / "broken.jpg").write_bytes(b"x")
    take(user, folder)
    (folder / "broken.jpg").unlink()
    batch, tally = take(user, folder)
    assert str(tally) == "4 found: 0 taken, 4 there already, 0 left out. 1 of an earlier run gone from the folder."
    assert tally.complete
    progress = batch_progress(batch)
    assert (progress.total, progress.failed) == (4, 0)


def test_photo_whose_file_was_removed_stays(media: Path, user: User, folder: Path) -> None:
    take(user, folder)
    (folder / "red" / "red.jpg").unlink()
    batch, tally = take(user, folder)
    assert tally == Tally(same=3, gone=1)
    assert (Photo.objects.count(), batch.items.exclude(photo=None).count()) == (4, 4)


def test_file_that_vanishes_meanwhile_fails_alone(media: Path, user: User, folder: Path) -> None:
    found = folder_found(folder)
    batch, _ = submission_create(owner=user, folder=folder, found=found)
    (folder / "red" / "red.jpg").unlink()
    tally = Tally()
    for _ in submission_take(batch=batch, folder=folder, found=found, tally=tally):
        pass
    assert tally == Tally(taken=3, failed=1)
    assert errors(batch) == {"red/red.jpg": "unreadable"}


def test_file_whose_photo_lost_its_original_is_taken_in_its_place(media: Path, user: User, folder: Path) -> None:
    take(user, folder)
    photo = Photo.objects.get(name="red.jpg")
    shutil.rmtree((media / photo.original).parent)
    take(user, folder)
    assert (media / Photo.objects.get(pk=photo.pk).original).is_file()
    assert Photo.objects.count() == 4


def test_two_runs_at_once_do_not_call_a_taken_file_there_already(media: Path, user: User, folder: Path) -> None:
    found = folder_found(folder)
    batch, _ = submission_create(owner=user, folder=folder, found=found)
    first, second = Tally(), Tally()
    steps = submission_take(batch=batch, folder=folder, found=found, tally=second)
    next(steps)  # the second run has read its rows when the first one takes them all
    for _ in submission_take(batch=batch, folder=folder, found=found, tally=first):
        pass
    for _ in steps:
        pass
    assert batch_tally(batch).taken == 4


def test_taken_file_that_is_no_file_any_more_is_left_out_and_listed(media: Path, user: User, folder: Path) -> None:
    take(user, folder)
    (folder / "red" / "red.jpg").unlink()
    os.mkfifo(folder / "red" / "red.jpg")
    batch, tally = take(user, folder)
    assert (tally.same, dict(tally.left_out)) == (3, {"not_a_file": 1})
    assert [item.name for item in batch_left_out(batch)] == ["red/red.jpg"]


def test_known_folder_that_is_empty_is_refused_as_a_card_that_is_not_mounted(
    media: Path, user: User, folder: Path
) -> None:
    take(user, folder)
    shutil.rmtree(folder)
    folder.mkdir()
    with pytest.raises(BatchRejected, match="holds no photos"):
        take(user, folder)
    assert not BatchItem.objects.filter(outcome=Outcome.GONE).exists()


def test_submission_run_again_writes_no_row_that_stays_as_it_is(
    media: Path, user: User, folder: Path, django_assert_max_num_queries
) -> None:
    found = folder_found(folder)
    submission_create(owner=user, folder=folder, found=found)
    with django_assert_max_num_queries(10), CaptureQueriesContext(connection) as queries:
        submission_create(owner=user, folder=folder, found=found)
    assert not [query for query in queries if "batches_batchitem" in query["sql"] and "UPDATE" in query["sql"]]
