"""Media folder and database carry one identity. Where they do not, nothing is cleaned, and it is said."""

import shutil
from pathlib import Path

import pytest

from tests.pictures import picture, upload
from tests.webapp.lost_files import database_new, media_old, photos_stored
from webapp.accounts.models import User
from webapp.captioning.services.photo_intake import photo_submit
from webapp.photos.models import Photo
from webapp.upkeep.models import Installation
from webapp.upkeep.selectors import AWAY, OTHERS, identity_problem
from webapp.upkeep.services.media_identity import identity_adopt, identity_settle
from webapp.upkeep.services.media_tidying import storage_sweep


def originals(media: Path) -> int:
    return len(list(media.rglob("original")))


@pytest.fixture
def photos(media: Path, user: User) -> list[Photo]:
    return photos_stored(user)


def test_identity_is_given_to_a_new_site(media: Path, db: None) -> None:
    assert identity_settle() == ""
    assert (media / "identity").read_text().strip() == Installation.objects.get().identity
    assert len(Installation.objects.get().identity) == 32


def test_identity_stays(media: Path, photos: list[Photo]) -> None:
    before = Installation.objects.get().identity
    assert identity_settle() == identity_problem() == ""
    assert Installation.objects.get().identity == before


def test_identity_of_a_site_of_an_earlier_version_is_made(media: Path, photos: list[Photo]) -> None:
    Installation.objects.all().delete()
    (media / "identity").unlink()
    assert identity_settle() == ""
    assert (media / "identity").exists()


def test_new_database_beside_media_of_another_is_told_and_cleans_nothing(media: Path, photos: list[Photo]) -> None:
    database_new()
    media_old(media)
    assert storage_sweep() == 0
    assert identity_settle() == identity_problem() == OTHERS
    assert originals(media) == 3


def test_new_database_stays_another_however_much_is_uploaded(media: Path, user: User, photos: list[Photo]) -> None:
    database_new()
    identity_settle()
    for number in range(7):
        photo_submit(owner=user, file=upload(picture(size=(40 + number, 30))), name="new.jpg")
    media_old(media)
    assert storage_sweep() == 0
    assert identity_problem() == OTHERS
    assert originals(media) == 10


def test_new_database_beside_media_of_an_earlier_version_is_told(media: Path, photos: list[Photo]) -> None:
    database_new()
    (media / "identity").unlink()
    assert identity_settle() == OTHERS
    assert identity_settle() == OTHERS


def test_older_database_without_identity_that_knows_most_photos_is_the_right_one(
    media: Path, photos: list[Photo]
) -> None:
    Installation.objects.all().delete()
    Photo.objects.filter(pk=photos[0].pk).delete()
    assert identity_settle() == ""
    assert Installation.objects.get().identity == (media / "identity").read_text().strip()


def test_media_folder_that_is_away_is_told(media: Path, photos: list[Photo]) -> None:
    shutil.rmtree(media)
    media.mkdir()
    assert identity_settle() == identity_problem() == AWAY
    assert not (media / "identity").exists()


def test_media_of_another_site_is_told(media: Path, photos: list[Photo]) -> None:
    (media / "identity").write_text("0" * 32)
    assert identity_settle() == identity_problem() == OTHERS


def test_identity_adopt_ends_the_disagreement(media: Path, photos: list[Photo]) -> None:
    database_new()
    identity_settle()
    identity_adopt()
    assert identity_settle() == identity_problem() == ""


def test_media_folder_that_is_away_is_told_also_after_an_upload(media: Path, user: User, photos: list[Photo]) -> None:
    shutil.rmtree(media)
    photo_submit(owner=user, file=upload(picture("black")), name="new.jpg")
    assert identity_settle() == AWAY
    assert identity_problem()
    assert not (media / "identity").exists()


def test_media_that_the_database_knows_by_less_than_half_are_anothers(
    media: Path, user: User, photos: list[Photo]
) -> None:
    Installation.objects.all().delete()
    (media / "identity").unlink()
    Photo.objects.exclude(pk=photos[0].pk).delete()
    assert identity_settle() == OTHERS
