"""The search of the staff's lists: by words, owners and digests, and where very many photos are found."""

from collections.abc import Callable

import pytest
from django.test import Client

from tests.webapp.rows import caption_make, decision_make, model_version_make, photo_make
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob
from webapp.photos import admin_search, search_newest
from webapp.photos.models import Photo
from webapp.photos.search_newest import photos_newest_found
from webapp.photos.search_words import search_words

PHOTOS, JOBS = "/admin/photos/photo/", "/admin/captioning/captionjob/"
REVIEW, DECISIONS = "/admin/review/captionforreview/", "/admin/captioning/decision/"
MORE = "More was found than is listed here"

pytestmark = pytest.mark.django_db


@pytest.fixture
def photo_named(user: User) -> Callable[..., Photo]:
    """Makes a photo of that name, of `user` or another owner, in a state."""

    def make(name: str, *, owner: User | None = None, state: str = CaptionJob.State.QUEUED) -> Photo:
        photo = photo_make(owner or user, state=state)
        photo.name, photo.search_words = name, search_words(name)
        photo.save()
        return photo

    return make


def found(page: Client, text: str, path: str = PHOTOS, **filters: str) -> set[object]:
    return set(page.get(path, {"q": text, **filters}).context["cl"].result_list)


def test_photo_is_found_by_words_of_its_text_name_and_owner(page: Client, user: User, other_user: User) -> None:
    photo = caption_make(user, model_version_make(), text="a dog runs").photo
    other = caption_make(other_user, model_version_make(), text="a dog sleeps").photo
    name = photo.name.removesuffix(".jpg")
    for text in ("runs", "dog runs", name, "ada", "Ada", "ada dog", f"dog ada {name}", '"a dog" ada', "dog -sleeps"):
        assert found(page, text) == {photo}, text
    assert found(page, "dog") == {photo, other}
    assert found(page, "grace runs") == set()


def test_photo_is_found_by_what_the_classifier_sees_and_the_list_keeps_its_order(page: Client, user: User) -> None:
    version, cat = model_version_make(), [{"word": "cat", "probability": 0.9}]
    older = caption_make(user, version, text="a cat").photo
    newer = caption_make(user, version, text="a dog", objects=cat).photo
    caption_make(user, version, text="a fox", objects=[{"word": "cat", "probability": 0.4}])
    assert list(page.get(PHOTOS, {"q": "cat"}).context["cl"].result_list) == [newer, older]


def test_owner_is_found_by_a_part_of_the_name_of_three_letters(page: Client, photo_named: Callable[..., Photo]) -> None:
    photo = photo_named("x.jpg", owner=User.objects.create_user("lovelace"))
    assert found(page, "vel") == {photo}
    assert found(page, "ve") == set()


def test_owner_of_a_short_name_is_found_by_it(page: Client, photo_named: Callable[..., Photo]) -> None:
    photo = photo_named("x.jpg", owner=User.objects.create_user("bo"))
    photo_named("y.jpg", owner=User.objects.create_user("bobby"))
    assert found(page, "BO") == {photo}


def test_words_may_name_owners_of_different_photos(page: Client, user: User, photo_named: Callable[..., Photo]) -> None:
    """As each word may be the owner's name or stand in the text."""
    hers, his = photo_named("dogfan.jpg"), photo_named("ada.jpg", owner=User.objects.create_user("dogfan"))
    assert found(page, "ada dogfan") == {hers, his}


def test_photo_is_found_by_the_digest_of_its_file(page: Client, photo_named: Callable[..., Photo]) -> None:
    photo = photo_named("x.jpg")
    photo_named("y.jpg")
    assert found(page, f" {photo.sha256.upper()} ") == {photo}


def test_text_without_a_word_lists_all(page: Client, photo_named: Callable[..., Photo]) -> None:
    photo = photo_named("x.jpg")
    assert found(page, "?!") == {photo}


@pytest.mark.parametrize("text", ["%", "\\", "'", '"', "a" * 5000, "word " * 3000, "-ada", "* OR (", "ada\0"])
def test_no_text_is_an_error(page: Client, photo_named: Callable[..., Photo], text: str) -> None:
    photo_named("x.jpg")
    assert page.get(PHOTOS, {"q": text}).status_code == 200


def test_rows_of_a_photo_are_found_as_it_is(page: Client, user: User) -> None:
    version = model_version_make()
    captions = [caption_make(user, version, text=text) for text in ("a dog runs", "a cat sits")]
    decisions = [decision_make(caption, user, "approved", caption.text) for caption in captions]
    assert found(page, "dog", JOBS) == {captions[0].photo.job}
    assert found(page, "dog", REVIEW) == {captions[0]}
    assert found(page, "dog", DECISIONS) == {decisions[0]}


def test_search_goes_with_filters(page: Client, photo_named: Callable[..., Photo]) -> None:
    failed = photo_named("beach one.jpg", state=CaptionJob.State.FAILED)
    photo_named("beach two.jpg")
    assert found(page, "beach", job__state__exact="failed") == {failed}


# --- Where very many are found ----------------------------------------------------------------------------------------
@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch, photo_named: Callable[..., Photo]) -> list[Photo]:
    """One more than a list shows; the first one failed."""
    monkeypatch.setattr(admin_search, "LISTED", 3)
    states = [CaptionJob.State.FAILED, *[CaptionJob.State.DONE] * 3]
    return [photo_named(f"beach {number}.jpg", state=state) for number, state in enumerate(states)]


def test_the_newest_of_very_many_are_listed_and_the_page_says_so(page: Client, many: list[Photo]) -> None:
    assert found(page, "beach") == set(many[1:])
    assert MORE in page.get(PHOTOS, {"q": "beach"}).content.decode()
    assert MORE not in page.get(PHOTOS, {"q": "beach -3"}).content.decode()


def test_the_newest_photos_of_an_owner_of_very_many_are_listed(page: Client, many: list[Photo]) -> None:
    assert found(page, "ada") == set(many[1:])
    assert MORE in page.get(PHOTOS, {"q": "ada"}).content.decode()


def test_filter_looks_through_all_that_is_found(page: Client, many: list[Photo]) -> None:
    assert found(page, "beach", job__state__exact="failed") == {many[0]}
    assert found(page, "ada", job__state__exact="failed") == {many[0]}


def test_action_on_what_is_found_says_nothing_of_the_rest(page: Client, many: list[Photo]) -> None:
    answer = page.post(f"{PHOTOS}?q=beach", {"action": "retry", "_selected_action": [many[1].pk]})
    assert answer.status_code == 302
    assert page.get("/admin/").content.decode().count(MORE) == 0


@pytest.mark.parametrize("walked", [2, 100], ids=["rare", "common"])
@pytest.mark.parametrize("text", ["beach", "-sea"])
def test_newest_found_come_first_however_common_the_word_is(
    monkeypatch: pytest.MonkeyPatch, photo_named: Callable[..., Photo], walked: int, text: str
) -> None:
    monkeypatch.setattr(search_newest, "WALKED", walked)
    photos = [photo_named(f"{name} {number}.jpg") for number, name in enumerate(("beach", "beach", "sea", "beach"))]
    expected = [photos[number].pk for number in (3, 1, 0)]
    for limit in (1, 2, 3, 4):
        assert photos_newest_found(text, limit=limit) == expected[:limit]
