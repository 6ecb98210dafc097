"""Recovery beside sweeps, uploads, deletions and other recoveries: it never takes a file that a row names."""

from pathlib import Path

import pytest
from django.core.management import CommandError

from tests.pictures import picture, upload
from tests.webapp.lost_files import contents, media_old, photos_lost, photos_stored, recover
from tests.webapp.zips import create, pictures, zipped
from webapp.accounts.models import User
from webapp.batches.models import Batch
from webapp.captioning.services.photo_intake import photo_delete, photo_submit
from webapp.photos import storage
from webapp.photos.lost_and_found import lost_count
from webapp.photos.models import Photo
from webapp.upkeep.services.media_recovery import Outcome, media_lost, media_recover


@pytest.fixture
def photos(media: Path, user: User) -> list[Photo]:
    return photos_stored(user)


@pytest.fixture
def lost(media: Path, photos: list[Photo]) -> list[Photo]:
    return photos_lost(media, photos)


def test_recovery_never_takes_the_files_of_a_row_for_lost_ones(media: Path, user: User, photos: list[Photo]) -> None:
    """Somebody recovers with a list that another recovery has worked off."""
    before = contents(media)
    Photo.objects.all().delete()
    media_old(media)
    stale = media_lost()
    assert recover() == 0
    outcomes = {result.outcome for result in media_recover(lost=stale)}
    assert (outcomes, contents(media), Photo.objects.count()) == ({Outcome.SAME}, before, 3)


def test_recovery_of_another_owners_photo_leaves_it_to_that_owner(media: Path, user: User, lost: list[Photo]) -> None:
    other = User.objects.create_user("grace")
    photo_submit(owner=other, file=upload(picture("blue")), name="hers.jpg")
    assert recover() == 0
    assert Photo.objects.filter(owner=user, name="blue.jpg").exists()


def test_recovery_dry_run_removes_nothing_that_is_there_already(media: Path, user: User, lost: list[Photo]) -> None:
    photo_submit(owner=user, file=upload(picture("blue")), name="again.jpg")
    before = sorted(media.rglob("*"))
    recover("--dry-run")
    assert sorted(media.rglob("*")) == before


def test_recovery_leaves_damaged_files_of_a_row_alone(
    media: Path, user: User, lost: list[Photo], capsys: pytest.CaptureFixture[str]
) -> None:
    again, _ = photo_submit(owner=user, file=upload(picture("blue")), name="again.jpg")
    (media / again.original).write_bytes(b"x")
    assert recover() == 1
    assert "The files of again.jpg are damaged" in capsys.readouterr().out
    assert (media / again.original).read_bytes() == b"x"
    assert lost_count() == 1


def test_recovery_does_not_bring_back_what_a_person_deleted(media: Path, user: User, photos: list[Photo]) -> None:
    photo_delete(photo=photos[0])  # the test never commits: as if the process was killed before the files went
    media_old(media)
    assert recover() == 0
    assert Photo.objects.count() == 2
    assert not (media / photos[0].original).exists()


def test_recovery_leaves_an_upload_alone_that_stalls(
    media: Path, user: User, photos: list[Photo], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = storage.folder_kept

    def stalled(name: str) -> object:
        media_old(media)
        assert recover() == 0
        return real(name)

    monkeypatch.setattr(storage, "folder_kept", stalled)
    photo, created = photo_submit(owner=user, file=upload(picture("black")), name="new.jpg")
    assert created
    assert (media / photo.original).exists()


def test_recovery_waits_for_a_sweep_and_then_says_so(
    media: Path, lost: list[Photo], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.upkeep.services.media_recovery.PATIENCE_SECONDS", 0.3)
    with storage.tidying(), pytest.raises(CommandError, match="Another process is tidying the media folder"):
        recover()
    assert recover() == 0


def test_recovery_of_a_zip_that_has_a_batch_makes_no_second_one(media: Path, user: User, photos: list[Photo]) -> None:
    create(user, zipped(pictures()), name="summer.zip")
    batches = list(Batch.objects.all())
    Batch.objects.all().delete()
    media_old(media)
    stale = media_lost()
    Batch.objects.bulk_create(batches)
    assert [result.outcome for result in media_recover(lost=stale)] == [Outcome.SAME]
    assert Batch.objects.count() == 1


def test_recovery_dry_run_leaves_also_what_a_person_deleted(media: Path, photos: list[Photo]) -> None:
    photo_delete(photo=photos[0])  # the test never commits: as if the process was killed before the files went
    media_old(media)
    assert recover("--dry-run") == 0
    assert (media / photos[0].original).exists()
