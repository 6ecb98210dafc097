"""Files without a row: how they come about, and that they do not stay."""

import errno
import os
import time
from pathlib import Path

import pytest
from django.db import OperationalError, connection

from tests.pictures import picture, upload
from tests.webapp.conftest import PHOTO_FILES
from tests.webapp.zips import create, pictures, zipped
from webapp.accounts.models import User
from webapp.captioning.services.photo_intake import photo_delete, photo_submit
from webapp.photos import storage
from webapp.photos.folder_labels import Label, label_read
from webapp.photos.lost_and_found import lost_add, lost_count, lost_list
from webapp.photos.models import MediaRemoval, Photo
from webapp.upkeep.selectors import places_named
from webapp.upkeep.services import media_tidying as housekeeping
from webapp.upkeep.services.media_identity import identity_settle
from webapp.upkeep.services.media_tidying import storage_sweep, storage_sweep_hourly


def orphan(media: Path, name: str) -> Path:
    folder = media / name
    folder.mkdir(parents=True)
    (folder / "original").write_bytes(b"x")
    return folder


def age(media: Path) -> None:
    """Makes everything two hours old."""
    then = time.time() - 7200
    for path in [*media.rglob("*")]:
        os.utime(path, (then, then))


@pytest.fixture(autouse=True)
def _paired(media: Path, db: None) -> None:
    assert identity_settle() == ""  # as at the first start, when there is no photo yet


@pytest.mark.parametrize("name", ["photos/ab/abcd", "archives/ab/abcd"])
def test_storage_sweep_takes_what_no_row_names_to_the_lost_and_found(media: Path, name: str) -> None:
    folder = orphan(media, name)
    age(media)
    assert storage_sweep() == 1
    assert not folder.exists()
    assert (media / "lost-and-found" / name.split("/", maxsplit=1)[0] / "abcd" / "original").read_bytes() == b"x"


def test_storage_sweep_removes_uploads_of_dead_processes(media: Path) -> None:
    folder = orphan(media, "incoming/abcd")
    age(media)
    assert storage_sweep() == 0
    assert not folder.exists()
    assert not (media / "lost-and-found").exists()


def test_storage_sweep_removes_what_was_half_written_of_models_and_exports(db: None, tmp_path: Path, settings) -> None:
    settings.MODELS_DIR, settings.CACHE_DIR = tmp_path / "models", tmp_path / "cache"
    copy, model = tmp_path / "models/.abc.123", tmp_path / "models/abc"
    partial, export = tmp_path / "cache/x.partial", tmp_path / "cache/x.onnx"
    for folder in (copy, model, tmp_path / "cache"):
        folder.mkdir(parents=True)
    for file in (copy / "weights", model / "weights", partial, export):
        file.write_bytes(b"x")
    storage_sweep()
    assert copy.exists()
    assert partial.exists()
    age(tmp_path)
    storage_sweep()
    left = [path.name for folder in ("models", "cache") for path in (tmp_path / folder).rglob("*") if path.is_file()]
    assert sorted(left) == ["weights", "x.onnx"]


@pytest.mark.parametrize("name", ["photos/ab/abcd", "archives/ab/abcd", "incoming/abcd"])
def test_storage_sweep_leaves_what_is_young(media: Path, db: None, name: str) -> None:
    folder = orphan(media, name)
    assert storage_sweep() == 0
    assert folder.exists()


def test_storage_sweep_leaves_what_a_row_names(media: Path, user: User) -> None:
    photo_submit(owner=user, file=upload(), name="photo.jpg")
    create(user, zipped(pictures()))
    orphan(media, "photos/ab/abcd")
    age(media)
    assert storage_sweep() == 1
    assert len(list(media.glob("photos/*/*/*"))) == PHOTO_FILES
    assert len(list(media.glob("archives/*/*/archive.zip"))) == 1


def test_storage_sweep_needs_no_media_folder_yet(media: Path, db: None) -> None:
    assert storage_sweep() == 0


def test_storage_sweep_costs_the_same_queries_for_one_folder_and_for_many(
    media: Path, user: User, django_assert_num_queries
) -> None:
    for colour in ("red", "blue", "tan"):
        photo_submit(owner=user, file=upload(picture(colour)), name="photo.jpg")
    age(media)
    storage_sweep()
    with django_assert_num_queries(7):  # the identity in a transaction, the removals twice, the names of each kind
        storage_sweep()


def test_storage_sweep_labels_what_earlier_versions_stored(media: Path, user: User) -> None:
    photo, _ = photo_submit(owner=user, file=upload(), name="photo.jpg")
    folder = (media / photo.original).parent
    (folder / "label.json").unlink()
    storage_sweep()
    assert label_read(folder) == Label("ada", "photo.jpg", photo.sha256, photo.created_at.isoformat())


def test_storage_sweep_finishes_deletions_that_a_crash_cut_off(media: Path, user: User) -> None:
    photo, _ = photo_submit(owner=user, file=upload(), name="photo.jpg")
    photo_delete(photo=photo)  # the test's transaction is never committed: the files are still there
    assert (media / photo.original).exists()
    age(media)
    assert storage_sweep() == 0
    assert not (media / photo.original).exists()
    assert not MediaRemoval.objects.exists()
    assert lost_count() == 0


def test_storage_sweep_hourly_sweeps_once_an_hour(media: Path, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "_next_sweep", 0.0)
    for name in ("photos/ab/first", "photos/ab/second"):
        folder = orphan(media, name)
        age(media)
        storage_sweep_hourly()
    assert folder.exists()
    monkeypatch.setattr(housekeeping, "_next_sweep", time.monotonic())
    storage_sweep_hourly()
    assert not folder.exists()


@pytest.mark.django_db(transaction=True)
def test_photo_whose_commit_was_lost_keeps_its_files(media: Path, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer_lost() -> None:
        connection.connection.commit()
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(connection, "_commit", answer_lost)
    with pytest.raises(OperationalError):
        photo_submit(owner=user, file=upload(), name="photo.jpg")
    monkeypatch.undo()
    assert (media / Photo.objects.get().original).exists()


def test_folder_publish_on_a_disk_that_fails_after_the_rename_leaves_nothing(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(storage, "_folder_sync", broken)
    staged = orphan(media, "incoming/abcd")
    with pytest.raises(OSError, match="Input/output"):
        storage.folder_publish(staged, "photos")
    assert not list(media.rglob("original"))


def test_storage_sweep_leaves_an_upload_whose_row_is_about_to_be_written(
    media: Path, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, swept = storage.folder_kept, []

    def stalled(name: str) -> object:
        age(media)
        swept.append(storage_sweep())
        return real(name)

    monkeypatch.setattr(storage, "folder_kept", stalled)
    photo, _ = photo_submit(owner=user, file=upload(), name="photo.jpg")
    assert (swept, lost_count()) == ([0], 0)
    assert (media / photo.original).exists()


def test_storage_sweep_waits_for_no_other(media: Path) -> None:
    orphan(media, "photos/ab/abcd")
    age(media)
    with storage.tidying():
        assert storage_sweep() == 0
    assert storage_sweep() == 1


def test_storage_sweep_goes_on_where_one_folder_cannot_be_moved(
    media: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("bad", "good"):
        orphan(media, f"photos/ab/{name}")
    age(media)

    def add(place: str) -> None:
        if place.endswith("bad"):
            raise OSError(39, "Directory not empty")
        lost_add(place)

    monkeypatch.setattr(housekeeping, "lost_add", add)
    assert storage_sweep() == 1
    assert "photos/ab/bad stays where it is" in caplog.text


def test_storage_sweep_leaves_deletions_that_were_made_while_it_read(
    media: Path, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo_submit(owner=user, file=upload(), name="photo.jpg")
    age(media)

    def deleted_meanwhile() -> dict[str, int]:
        photo_delete(photo=Photo.objects.get())  # its files go at the commit, which this test never reaches
        return places_named()

    monkeypatch.setattr(housekeeping, "places_named", deleted_meanwhile)
    assert storage_sweep() == 0
    assert lost_count() == 0


def test_storage_sweep_reads_the_folders_before_the_rows(
    media: Path, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = storage.folders_old

    def then_an_upload(*arguments: float) -> list[str]:
        found = list(real(*arguments))
        photo_submit(owner=user, file=upload(), name="photo.jpg")
        age(media)
        return found

    monkeypatch.setattr(storage, "folders_old", then_an_upload)
    assert storage_sweep() == 0
    assert lost_count() == 0


def test_removal_is_noted_until_the_files_are_gone(media: Path, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    photo, _ = photo_submit(owner=user, file=upload(), name="photo.jpg")
    photo_delete(photo=photo)
    with monkeypatch.context() as patch:
        patch.setattr(storage, "folder_remove", lambda name: None)  # a disk that fails
        storage_sweep()
    assert MediaRemoval.objects.count() == 1
    storage_sweep()
    assert not MediaRemoval.objects.exists()
    assert not (media / photo.original).exists()


def test_what_is_found_after_a_month_of_rest_is_kept_for_all_its_days(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        orphan(media, f"photos/ab/{name}")
        age(media)
        storage_sweep()
        storage_sweep()  # from the second one on, the days of what lies there are counted
        rested = time.time() + 30 * 86400
        monkeypatch.setattr("webapp.photos.lost_and_found.time.time", lambda rested=rested: rested)
    assert {lost.folder.name: round(lost.days_left) for lost in lost_list()} == {"first": 29, "second": 30}
