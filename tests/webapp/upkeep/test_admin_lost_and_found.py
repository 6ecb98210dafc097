"""Staff see what the database does not know, and put it back."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.core.checks import run_checks
from django.test import Client

from tests.pictures import picture, upload
from tests.webapp.lost_files import database_new, media_old
from webapp.accounts.models import User
from webapp.captioning.services.photo_intake import photo_submit
from webapp.photos.lost_and_found import lost_count, lost_list
from webapp.photos.models import Photo
from webapp.upkeep.selectors import OTHERS
from webapp.upkeep.services.media_identity import identity_settle
from webapp.upkeep.services.media_tidying import storage_sweep

PAGE = "/admin/lost-and-found/"


@pytest.fixture
def lost(media: Path, user: User) -> None:
    identity_settle()
    for colour in ("red", "blue"):
        photo_submit(owner=user, file=upload(picture(colour)), name=f"{colour}.jpg")
    Photo.objects.filter(name="blue.jpg").delete()
    media_old(media)
    storage_sweep()


@pytest.fixture
def staff(db: None) -> User:
    staff = User.objects.create_user("rita", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=["view_photo", "change_photo"]))
    return staff


@pytest.fixture
def page(client: Client, staff: User) -> Client:
    client.force_login(staff)
    return client


def test_every_staff_page_tells_of_lost_files(page: Client, lost: None) -> None:
    shown = page.get("/admin/").content.decode()
    assert "1 photo or zips" not in shown
    assert "1 file that the database does not know is in the lost-and-found" in shown
    assert PAGE in shown


def test_staff_page_without_lost_files_says_nothing(page: Client, media: Path) -> None:
    assert "lost-and-found" not in page.get("/admin/").content.decode()


def test_staff_page_tells_of_media_of_another_site(page: Client, media: Path, lost: None) -> None:
    database_new()
    identity_settle()
    (media / "identity").write_text("0" * 32)
    assert OTHERS.split("`")[0] in page.get("/admin/").content.decode()


def test_lost_and_found_shows_each_with_its_picture(page: Client, lost: None) -> None:
    shown = page.get(PAGE).content.decode()
    assert "blue.jpg" in shown
    assert "red.jpg" not in shown
    name = lost_list()[0].folder.name
    picture = page.get(f"{PAGE}{name}/")
    assert (picture.status_code, picture["Content-Type"]) == (200, "image/jpeg")


def test_lost_and_found_puts_all_back(page: Client, lost: None, user: User) -> None:
    shown = page.post(PAGE, follow=True).content.decode()
    assert "1 put back. Their captions follow." in shown
    assert (lost_count(), Photo.objects.filter(owner=user).count()) == (0, 2)


def test_lost_and_found_puts_back_a_part_at_a_time(
    page: Client, media: Path, lost: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.upkeep.views.AT_ONCE", 1)
    Photo.objects.all().delete()
    storage_sweep()
    assert "1 more wait. Press the button again." in page.post(PAGE, follow=True).content.decode()
    assert lost_count() == 1


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}abc/"])
def test_lost_and_found_is_for_staff_with_the_right(client: Client, staff: User, lost: None, path: str) -> None:
    staff.user_permissions.clear()
    client.force_login(staff)
    assert client.get(path).status_code == 403


def test_lost_and_found_is_put_back_by_those_who_may_change_photos(page: Client, staff: User, lost: None) -> None:
    staff.user_permissions.set(Permission.objects.filter(codename="view_photo"))
    assert page.post(PAGE).status_code == 403
    assert lost_count() == 1


@pytest.mark.parametrize("name", ["..", ".hidden", "missing"])
def test_picture_of_nothing_lost_is_404(page: Client, lost: None, name: str) -> None:
    assert page.get(f"{PAGE}{name}/").status_code == 404


def test_check_tells_of_lost_files(lost: None) -> None:
    told = [str(message.msg) for message in run_checks() if message.id == "fovea.W004"]
    assert told == ["1 file that the database does not know is in the lost-and-found."]
