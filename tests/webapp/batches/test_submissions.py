"""Batches from folders, taken up again: a submission is known by its folder, a file by its raw name and its content."""

import os
from pathlib import Path

import pytest

from tests.pictures import picture_write
from tests.webapp.submitting import holiday, take
from tests.webapp.zips import create, pictures, zipped
from webapp.accounts.models import User
from webapp.batches.errors import BatchRejected
from webapp.batches.folder_listing import folder_found
from webapp.batches.models import Batch, BatchItem
from webapp.batches.selectors import batch_tally
from webapp.batches.services.batch_control import batch_cancel
from webapp.batches.services.submissions import submission_create, submission_take
from webapp.captioning.models import CaptionJob
from webapp.captioning.services.photo_intake import photo_submit
from webapp.photos.models import Photo
from webapp.photos.tally import Tally

State = CaptionJob.State
Outcome = BatchItem.Outcome


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return holiday(tmp_path)


def test_folder_becomes_a_batch_in_the_bulk_lane(media: Path, user: User, folder: Path) -> None:
    batch, tally = take(user, folder)
    assert (batch.name, batch.state, batch.origin) == ("holiday", Batch.State.RUNNING, str(folder))
    assert tally == Tally(taken=4)
    assert set(CaptionJob.objects.values_list("lane", flat=True)) == {"bulk"}


def test_folder_submitted_twice_makes_no_duplicates(media: Path, user: User, folder: Path) -> None:
    first, _ = take(user, folder)
    again, tally = take(user, folder)
    assert (again, tally) == (first, Tally(same=4))
    assert (Photo.objects.count(), BatchItem.objects.count()) == (4, 4)


def test_folders_of_one_name_with_files_of_one_name_are_two_submissions(
    media: Path, user: User, tmp_path: Path
) -> None:
    for card, colour in (("cardA", "red"), ("cardB", "blue")):
        picture_write(tmp_path / card / "DCIM", "1.jpg", colour)
    one, _ = take(user, tmp_path / "cardA" / "DCIM")
    other, tally = take(user, tmp_path / "cardB" / "DCIM")
    assert tally == Tally(taken=1)
    assert (one.name, other.name, one.submission == other.submission) == ("DCIM", "DCIM", False)
    assert Photo.objects.count() == 2


def test_other_photos_under_the_names_of_an_earlier_run_are_taken(media: Path, user: User, tmp_path: Path) -> None:
    card = tmp_path / "card"
    picture_write(card, "1.jpg", "red")
    picture_write(card, "2.jpg", "blue")
    take(user, card)
    picture_write(card, "1.jpg", "green")
    batch, tally = take(user, card)
    assert tally == Tally(changed=1, same=1)
    assert Photo.objects.count() == 3  # what was edited keeps its former photo
    assert batch_tally(batch) == Tally(taken=2, changed=1)
    assert take(user, card)[1] == Tally(same=2)


def test_content_that_came_back_under_its_name_is_there_already(media: Path, user: User, tmp_path: Path) -> None:
    for colour in ("red", "green", "red"):
        picture_write(tmp_path / "card", "1.jpg", colour)
        _, tally = take(user, tmp_path / "card")
    assert tally == Tally(same=1)
    assert Photo.objects.count() == 2


def test_names_that_are_no_text_do_not_collapse(media: Path, user: User, tmp_path: Path) -> None:
    folder = tmp_path / "names"
    for name, colour in ((b"caf\xe9.jpg", "red"), (b"caf\xe8.jpg", "blue"), ("café.jpg".encode(), "green")):
        picture_write(folder, os.fsdecode(name), colour)
    batch, tally = take(user, folder)
    assert tally == Tally(taken=3)
    assert sorted(batch.items.values_list("name", flat=True)) == ["cafè.jpg", "café.jpg", "café.jpg"]
    assert sorted(Photo.objects.values_list("name", flat=True)) == ["cafè.jpg", "café.jpg", "café.jpg"]
    assert take(user, folder)[1] == Tally(same=3)


def test_same_content_under_two_names_is_one_photo(media: Path, user: User, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        picture_write(tmp_path / "twins", name, "red")
    batch, tally = take(user, tmp_path / "twins")
    assert tally == Tally(taken=1, same=1)
    assert (Photo.objects.count(), batch.items.exclude(photo=None).count()) == (1, 2)


def test_folder_submitted_again_after_a_cancel_is_wanted_after_all(media: Path, user: User, folder: Path) -> None:
    batch, _ = take(user, folder)
    batch_cancel(batch=batch)
    picture_write(folder, "new.jpg", "yellow")
    assert take(user, folder)[0].state == Batch.State.RUNNING
    assert list(CaptionJob.objects.values_list("state", flat=True)) == ["queued"] * 5


def test_submission_that_is_cancelled_meanwhile_counts_what_it_left(media: Path, user: User, folder: Path) -> None:
    found, tally = folder_found(folder), Tally()
    batch, _ = submission_create(owner=user, folder=folder, found=found)
    for _ in submission_take(batch=batch, folder=folder, found=found, tally=tally):
        if tally.taken == 1:
            batch_cancel(batch=batch)
    assert (tally.taken, dict(tally.left_out), tally.complete) == (1, {"cancelled": 3}, False)


def test_folder_that_was_moved_is_gone_on_with_by_its_id(media: Path, user: User, folder: Path) -> None:
    batch, _ = take(user, folder, submission="summer 2026")
    moved = folder.rename(folder.parent / "moved")
    again, tally = take(user, moved, submission="summer 2026")
    assert (again, again.name, again.origin, tally) == (batch, "holiday", str(moved), Tally(same=4))


def test_id_of_a_zip_is_none_for_a_folder(media: Path, user: User, folder: Path) -> None:
    zip_batch = create(user, zipped(pictures()))
    with pytest.raises(BatchRejected, match=r"is the zip holiday\.zip"):
        take(user, folder, submission=zip_batch.submission)


def test_ids_of_two_owners_do_not_meet(media: Path, user: User, folder: Path) -> None:
    other = User.objects.create_user("grace")
    assert take(user, folder, submission="x")[0] != take(other, folder, submission="x")[0]
    assert Photo.objects.count() == 8


def test_batch_of_an_earlier_version_is_gone_on_with(media: Path, user: User, folder: Path) -> None:
    batch, _ = take(user, folder)
    Batch.objects.update(origin="")  # those knew a folder by its name alone
    assert take(user, folder) == (batch, Tally(same=4))


def test_batch_of_an_earlier_version_takes_other_photos_of_its_names(media: Path, user: User, tmp_path: Path) -> None:
    picture_write(tmp_path / "cardA" / "DCIM", "1.jpg", "red")
    picture_write(tmp_path / "cardB" / "DCIM", "1.jpg", "blue")
    take(user, tmp_path / "cardA" / "DCIM")
    Batch.objects.update(origin="")
    assert take(user, tmp_path / "cardB" / "DCIM")[1] == Tally(changed=1, gone=0)
    assert Photo.objects.count() == 2


def test_photo_that_the_owner_had_uploaded_is_there_already(media: Path, user: User, folder: Path) -> None:
    from tests.pictures import upload

    photo_submit(owner=user, file=upload((folder / "red" / "red.jpg").read_bytes()), name="mine.jpg")
    assert take(user, folder)[1] == Tally(taken=3, same=1)


def test_folder_of_everything_adds_up(media: Path, user: User, folder: Path) -> None:
    (folder / "notes.txt").write_text("hello")
    (folder / "a.bmp").write_bytes(b"BM\x9a\x00\x00\x00" + bytes(40))
    (folder / "a.dng").write_bytes(b"II*\0")
    (folder / "Thumbs.db").write_bytes(b"x")
    (folder / "broken.jpg").write_bytes(b"x")
    (folder / "broken link").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    picture_write(folder, ".hidden/red.jpg")
    picture_write(folder, "red again", "red")
    picture_write(folder, "a.jpg_large", "white")
    batch, tally = take(user, folder)
    assert str(tally) == (
        "14 found: 5 taken, 1 there already, 1 failed, 7 left out (2 in a format that is not accepted, 1 broken link, "
        "1 device or pipe, 1 hidden, 1 not a picture, 1 of the operating system)."
    )
    assert not tally.complete
    assert batch_tally(batch) == tally
    assert batch.items.count() == 14


def test_folder_without_photos_is_refused_with_what_was_found(user: User, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(BatchRejected, match=r"holds no photos\. 1 found: 0 taken, .* 1 left out \(1 not a picture\)"):
        take(user, tmp_path)
