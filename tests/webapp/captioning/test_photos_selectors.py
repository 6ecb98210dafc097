"""Reading photos: by state, by search, and how many there are."""

import itertools

import pytest

from tests.webapp.rows import caption_make, decision_make, model_version_make, photo_make
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob
from webapp.captioning.selectors.photos import photos_count, photos_counts, photos_of, photos_search
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
    assert [photo.name for photo in photos_search(owner=user, query=query)] == names


@pytest.mark.parametrize("query", ['"', "AND OR NOT NEAR(", "a* ^b {c}: -", "\0\ud800", "' OR 1=1 --", "x " * 5000])
def test_search_takes_any_query(found: None, user: User, query: str) -> None:
    assert photos_search(owner=user, query=query).count() <= 3


def test_search_finds_what_a_person_wrote_and_no_longer_what_the_model_wrote(user: User, staff_user: User) -> None:
    caption = caption_make(user, model_version_make(), text="a horse stands")
    decision_make(caption, staff_user, "edited", "A zebra stands.")
    assert [photos_search(owner=user, query=query).count() for query in ("zebra", "horse")] == [1, 0]


def test_search_finds_what_the_classifier_sees_after_what_texts_say(user: User) -> None:
    version = model_version_make()
    certain, unsure = [{"word": "cat", "probability": 0.9}], [{"word": "cat", "probability": 0.4}]
    names = []
    for text, objects in (("a cat", []), ("a dog", certain), ("cats", certain), ("a fox", unsure), ("a pony", certain)):
        photo = caption_make(user, version, text=text, objects=objects).photo
        names.append(photo.name)
    assert [photo.name for photo in photos_search(owner=user, query="cat")] == [names[n] for n in (2, 0, 4, 1)]
    assert [photo.name for photo in photos_search(owner=user, query="-cat")] == [names[3]]


def test_search_finds_what_the_active_model_sees_where_a_person_wrote(user: User, staff_user: User) -> None:
    old = caption_make(user, model_version_make(), objects=[{"word": "dog", "probability": 0.9}])
    decision_make(old, staff_user, "edited", "A zebra stands.")
    newer = model_version_make(state="active")
    caption_make(user, newer, photo=old.photo, objects=[{"word": "horse", "probability": 0.9}])
    assert [photos_search(owner=user, query=query).count() for query in ("zebra", "horse", "dog")] == [1, 1, 0]


def test_photos_of_any_states_are_those_and_as_many_as_counted(user: User, other_user: User) -> None:
    for state in State.values:
        photo_make(user, state=state)
        photo_make(user, state=state)
        photo_make(other_user, state=state)
    for number in range(1, len(State.values) + 1):
        for states in itertools.combinations(State.values, number):
            photos = list(photos_of(user, states=states))
            assert [photo.job.state in states for photo in photos] == [True] * 2 * number
            assert [photo.pk for photo in photos] == sorted((photo.pk for photo in photos), reverse=True)
            assert photos_count(user, states=states) == 2 * number
    assert photos_count(user) == 14
    assert photos_counts(user) == {"all": 14, "waiting": 6, "captioned": 2, "failed": 6}
