"""Searching one's photos: what is found, and in which order."""

import pytest

from tests.webapp.rows import caption_make, decision_make, model_version_make, names_found, photo_make
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob
from webapp.finding.photo_filter import PhotoFilter
from webapp.finding.selectors import FoundPhotos
from webapp.photos.models import Photo

State = CaptionJob.State


@pytest.fixture
def found(user: User, other_user: User) -> None:
    version = model_version_make()
    for owner, name, text in (
        (user, "IMG_0001.jpg", "Two dogs run on the beach."),
        (user, "café-Zürich.png", "A man with a dog."),
        (user, "cat.jpg", "A cat sits on the beach."),
        (other_user, "theirs.jpg", "A dog of somebody else."),
    ):
        photo = photo_make(owner, state=State.DONE)
        Photo.objects.filter(pk=photo.pk).update(name=name)
        caption_make(owner, version, text=text, photo=photo)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("dog", ["café-Zürich.png", "IMG_0001.jpg"]),
        ("beach dogs", ["IMG_0001.jpg"]),
        ("DOG -man", ["IMG_0001.jpg"]),
        ("-dog", ["cat.jpg"]),
        ('"on the beach"', ["cat.jpg", "IMG_0001.jpg"]),
        ('"the on beach"', []),
        ("cafe zurich", ["café-Zürich.png"]),
        ("img_0001", ["IMG_0001.jpg"]),
        ("", ["cat.jpg", "café-Zürich.png", "IMG_0001.jpg"]),
        ("zebra", []),
    ],
)
def test_search_finds_ones_own_photos_newest_first(found: None, user: User, query: str, names: list[str]) -> None:
    assert names_found(user, query) == names


@pytest.mark.parametrize("query", ['"', "AND OR NOT NEAR(", "a* ^b {c}: -", "\0\ud800", "' OR 1=1 --", "x " * 5000])
def test_search_takes_any_query(found: None, user: User, query: str) -> None:
    assert len(names_found(user, query)) <= 3


def test_search_finds_what_a_person_wrote_and_no_longer_what_the_model_wrote(user: User, staff_user: User) -> None:
    caption = caption_make(user, model_version_make(), text="a horse stands")
    decision_make(caption, staff_user, "edited", "A zebra stands.")
    assert [len(names_found(user, query)) for query in ("zebra", "horse")] == [1, 0]


def test_search_finds_what_the_classifier_sees_after_what_texts_say(user: User) -> None:
    version = model_version_make()
    certain, unsure = [{"word": "cat", "probability": 0.9}], [{"word": "cat", "probability": 0.4}]
    names = []
    for text, objects in (("a cat", []), ("a dog", certain), ("cats", certain), ("a fox", unsure), ("a pony", certain)):
        photo = caption_make(user, version, text=text, objects=objects).photo
        names.append(photo.name)
    assert names_found(user, "cat") == [names[n] for n in (2, 0, 4, 1)]
    assert names_found(user, "-cat") == [names[3]]


def test_search_finds_what_the_active_model_sees_where_a_person_wrote(user: User, staff_user: User) -> None:
    old = caption_make(user, model_version_make(), objects=[{"word": "dog", "probability": 0.9}])
    decision_make(old, staff_user, "edited", "A zebra stands.")
    newer = model_version_make(state="active")
    caption_make(user, newer, photo=old.photo, objects=[{"word": "horse", "probability": 0.9}])
    assert [len(names_found(user, query)) for query in ("zebra", "horse", "dog")] == [1, 1, 0]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_pages_of_a_ranked_search_hold_each_photo_once_and_in_order(user: User, size: int) -> None:
    version, certain = model_version_make(), [{"word": "cat", "probability": 0.9}]
    by_text: list[int] = []
    seen: list[int] = []
    for number in range(6):
        (by_text if number % 2 else seen).append(
            caption_make(user, version, text="a cat" if number % 2 else "a dog", objects=certain).photo_id
        )
    photos = FoundPhotos(user, PhotoFilter(q="cat"))
    pages = [photo.pk for start in range(0, 12, size) for photo in photos[start : start + size]]
    assert pages == by_text[::-1] + seen[::-1]
    assert photos.count() == len(photos) == 6


def test_search_in_another_order_ranks_nothing(user: User) -> None:
    version = model_version_make()
    photos = [
        caption_make(user, version, text=text, objects=[{"word": "cat", "probability": 0.9}]).photo_id
        for text in ("a cat", "a dog")
    ]
    assert [photo.pk for photo in FoundPhotos(user, PhotoFilter(q="cat", sort="newest"))[:9]] == photos[::-1]
    assert [photo.pk for photo in FoundPhotos(user, PhotoFilter(q="cat"))[:9]] == photos
