"""`manage.py recover_media`: what has no row gets one, with its owner, name and time."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.pictures import picture, upload
from tests.webapp.conftest import PHOTO_FILES
from tests.webapp.lost_files import COLOURS, contents, database_new, media_old, photos_lost, photos_stored, recover
from tests.webapp.zips import create, pictures, zipped
from webapp.accounts.models import User
from webapp.batches.models import Batch
from webapp.batches.services.zip_unpacking import batch_unpack
from webapp.captioning.services.photo_intake import photo_submit
from webapp.photos import storage
from webapp.photos.lost_and_found import lost_count
from webapp.photos.models import Photo
from webapp.upkeep.selectors import OTHERS, identity_problem
from webapp.upkeep.services.media_identity import identity_settle
from webapp.upkeep.services.media_recovery import SETTLED_SECONDS
from webapp.upkeep.services.media_tidying import storage_sweep


@pytest.fixture
def photos(media: Path, user: User) -> list[Photo]:
    return photos_stored(user)


@pytest.fixture
def lost(media: Path, photos: list[Photo]) -> list[Photo]:
    return photos_lost(media, photos)


def test_recovery_puts_back_what_an_older_database_does_not_know(media: Path, user: User, lost: list[Photo]) -> None:
    before = contents(media)
    assert recover() == 0
    assert lost_count() == 0
    assert contents(media) == before
    for former in lost:
        photo = Photo.objects.get(owner=user, sha256=former.sha256)
        assert (photo.name, photo.width) == (former.name, former.width)
        assert abs(photo.created_at - former.created_at) < timedelta(seconds=2)
        assert photo.job.state == "queued"
        assert len(list((media / photo.original).parent.iterdir())) == PHOTO_FILES


def test_recovery_into_a_new_database(media: Path, user: User, photos: list[Photo]) -> None:
    database_new()
    media_old(media)
    storage_sweep()
    assert identity_problem() == OTHERS
    assert recover() == 0
    assert sorted(Photo.objects.values_list("name", flat=True)) == sorted(f"{colour}.jpg" for colour in COLOURS)
    assert identity_problem() == ""
    assert storage_sweep() == 0


def test_recovery_dry_run_changes_nothing(media: Path, lost: list[Photo], capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(media.rglob("*"))
    assert recover("--dry-run") == 0
    assert sorted(media.rglob("*")) == before
    assert Photo.objects.count() == 1
    said = capsys.readouterr()
    assert "blue.jpg of ada: would be recovered." in said.out
    assert "2 found without a row: 2 recovered. Nothing was changed." in said.err


def test_recovery_of_nothing_says_so(media: Path, photos: list[Photo], capsys: pytest.CaptureFixture[str]) -> None:
    assert recover() == 0
    assert "Every file in the media folder has its row." in capsys.readouterr().err


def test_recovery_tells_what_no_account_owns(
    media: Path, user: User, lost: list[Photo], capsys: pytest.CaptureFixture[str]
) -> None:
    User.objects.filter(pk=user.pk).update(username="grace")
    assert recover() == 1
    assert "There is no account 'ada'. Name an account to own it with --user." in capsys.readouterr().out
    assert (Photo.objects.count(), lost_count()) == (1, 2)
    assert recover("--user", "grace") == 0
    assert (Photo.objects.filter(owner=user).count(), lost_count()) == (3, 0)


def test_recovery_leaves_the_disagreement_while_somebody_misses_a_photo(
    media: Path, user: User, photos: list[Photo]
) -> None:
    database_new()
    User.objects.filter(pk=user.pk).update(username="grace")
    identity_settle()
    media_old(media)
    assert recover() == 1
    assert identity_problem() == OTHERS


def test_recovery_knows_what_the_owner_has_uploaded_again(
    media: Path, user: User, lost: list[Photo], capsys: pytest.CaptureFixture[str]
) -> None:
    photo_submit(owner=user, file=upload(picture("blue")), name="again.jpg")
    assert recover() == 0
    assert "blue.jpg of ada: there already." in capsys.readouterr().out
    assert (Photo.objects.count(), lost_count()) == (3, 0)


def test_recovery_gives_a_row_whose_files_are_gone_its_files(media: Path, user: User, lost: list[Photo]) -> None:
    again, _ = photo_submit(owner=user, file=upload(picture("blue")), name="again.jpg")
    storage.folder_remove(again.original)
    assert recover() == 0
    assert (media / again.original).read_bytes() == picture("blue")
    assert Photo.objects.count() == 3


def test_recovery_keeps_what_cannot_be_read(media: Path, lost: list[Photo], capsys: pytest.CaptureFixture[str]) -> None:
    broken = next(path for path in media.rglob("lost-and-found/*/*/original") if path.read_bytes() == picture("blue"))
    broken.write_bytes(b"x")
    assert recover() == 1
    assert "The file is kept." in capsys.readouterr().out
    assert (Photo.objects.count(), lost_count(), broken.read_bytes()) == (2, 1, b"x")


def test_recovery_of_a_file_without_a_label_needs_an_owner(media: Path, user: User, lost: list[Photo]) -> None:
    for label in media.rglob("lost-and-found/*/*/label.json"):
        label.unlink()
    assert recover() == 1
    assert recover("--user", "ada") == 0
    assert Photo.objects.filter(owner=user, name__startswith="recovered-").count() == 2


def test_recovery_leaves_an_upload_alone_whose_row_comes_next(media: Path, photos: list[Photo]) -> None:
    Photo.objects.all().delete()
    assert SETTLED_SECONDS >= 60
    assert recover() == 0
    assert not Photo.objects.exists()
    assert lost_count() == 0


def test_recovery_makes_the_batch_of_a_zip(media: Path, user: User, photos: list[Photo]) -> None:
    create(user, zipped(pictures()), name="summer.zip")
    Batch.objects.all().delete()
    media_old(media)
    storage_sweep()
    assert recover() == 0
    batch = Batch.objects.get(owner=user)
    assert (batch.name, batch.state, batch.items.count()) == ("summer.zip", Batch.State.UNPACKING, 4)
    batch_unpack(batch_id=batch.pk)
    assert Photo.objects.count() == 5  # red and blue were there


def test_recovery_keeps_a_zip_that_cannot_be_read(media: Path, user: User, photos: list[Photo]) -> None:
    create(user, zipped(pictures()), name="summer.zip")
    Batch.objects.all().delete()
    media_old(media)
    storage_sweep()
    next(media.rglob("archive.zip")).write_bytes(b"x")
    assert recover() == 1
    assert (lost_count(), Batch.objects.count()) == (1, 0)


def test_recovery_as_json(media: Path, lost: list[Photo], capsys: pytest.CaptureFixture[str]) -> None:
    recover("--dry-run", "--json")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["owner"], row["name"], row["outcome"]) for row in rows] == [
        ("ada", "blue.jpg", "recovered"), ("ada", "tan.jpg", "recovered"),
    ]  # fmt: skip
    assert {row["sha256"] for row in rows} == {photo.sha256 for photo in lost}


def test_recovery_leaves_files_where_the_newer_database_knows_them(media: Path, lost: list[Photo]) -> None:
    recover()
    assert set(Photo.objects.values_list("original", flat=True)) >= {photo.original for photo in lost}
    assert all((media / photo.original).exists() for photo in lost)


def test_recovery_makes_pictures_that_are_missing(media: Path, lost: list[Photo]) -> None:
    for path in [*media.rglob("lost-and-found/*/*/*.jpg")]:
        path.unlink()
    assert recover() == 0
    photo = Photo.objects.get(name="blue.jpg")
    assert all((media / path).read_bytes()[:2] == b"\xff\xd8" for path in (photo.thumbnail, photo.preview))


def test_recovery_on_a_full_disk_keeps_what_it_cannot_put_back(
    media: Path, lost: list[Photo], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(lost: object) -> bool:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("webapp.upkeep.services.media_recovery.lost_return", full)
        assert recover() == 1
    assert "Free some space, then retry. The file is kept." in capsys.readouterr().out
    assert lost_count() == 2
    assert recover() == 0


def test_files_of_the_right_database_come_back_by_themselves(media: Path, user: User, photos: list[Photo]) -> None:
    rows = list(Photo.objects.exclude(pk=photos[0].pk))
    Photo.objects.exclude(pk=photos[0].pk).delete()
    media_old(media)
    assert storage_sweep() == 2
    Photo.objects.bulk_create(rows)
    storage_sweep()
    assert lost_count() == 0
    assert all((media / photo.original).exists() for photo in Photo.objects.all())
