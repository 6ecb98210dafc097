"""Each filter finds the photos that it says, alone and with others, as plain Python does."""

import datetime as dt
import itertools
from dataclasses import fields
from typing import Any

import pytest

from benchmarks.pages.rows import site_fill
from tests.webapp.rows import caption_make, model_version_make, photo_make
from webapp.accounts.models import User
from webapp.batches.models import BatchItem
from webapp.captioning.counters import SURENESS
from webapp.captioning.models import CaptionJob, ModelVersion
from webapp.finding.photo_filter import PhotoFilter
from webapp.finding.selectors import FoundPhotos, photos_counted
from webapp.photos.models import Photo
from webapp.photos.search_words import text_words

ALL = 1000


def found(owner: User, **wanted: Any) -> list[int]:
    photos = FoundPhotos(owner, PhotoFilter(**wanted))
    ids = [photo.pk for photo in photos[:ALL]]
    assert photos.count() == len(ids)
    assert photos.any() == bool(ids)
    return ids


@pytest.fixture
def many(db: None) -> User:
    """Photos in every state, with texts by models and people, and some of somebody else."""
    site_fill(owner="grace", count=20)
    site_fill(owner="ada", count=120)
    return User.objects.get(username="ada")


def matches(photo: Photo, wanted: PhotoFilter) -> bool:
    day = photo.created_at.date()
    least, below = SURENESS.get(wanted.sure, (0, 0))
    confidence = photo.caption.confidence if photo.caption else -1.0
    words = text_words(f"{photo.text} {photo.name}")
    return all(
        (
            not wanted.q or any(word.startswith(wanted.q) for word in words),
            not wanted.states or photo.job.state in wanted.states,
            not wanted.by or photo.text_by == wanted.by,
            not wanted.review or photo.review_state == wanted.review,
            not wanted.sure or (photo.text_by == "model" and least <= confidence < below),
            not wanted.model or (photo.caption is not None and photo.caption.model_version_id == wanted.model),
            not wanted.batch or BatchItem.objects.filter(batch=wanted.batch, photo=photo).exists(),
            not wanted.since or day >= wanted.since,
            not wanted.until or day <= wanted.until,
            not wanted.format or photo.format == wanted.format,
        )
    )


def test_filters_find_alone_and_in_pairs_what_plain_python_finds(many: User) -> None:
    photos = list(Photo.objects.filter(owner=many).select_related("job", "caption").order_by("-created_at", "-pk"))
    version = ModelVersion.objects.get(state="active").pk
    middle = photos[60].created_at.date()
    choices: dict[str, list[Any]] = {
        "q": ["dog", "img", "zebra"],
        "states": [("done",), ("failed", "quarantined", "cancelled"), ("running", "paused")],
        "by": ["model", "person"],
        "review": ["approved", "rejected", "undecided"],
        "sure": ["sure", "unsure"],
        "model": [version],
        "batch": [many.batches.order_by("-pk")[0].pk, many.batches.order_by("pk")[0].pk],
        "since": [middle],
        "until": [middle],
        "format": ["PNG", "GIF"],
    }
    assert {*choices, "sort"} == {field.name for field in fields(PhotoFilter)}
    single = [{name: value} for name, values in choices.items() for value in values]
    pairs = [one | other for one, other in itertools.combinations(single, 2) if not one.keys() & other.keys()]
    some = 0
    for wanted in [*single, *pairs]:
        expected = [photo.pk for photo in photos if matches(photo, PhotoFilter(**wanted))]
        assert found(many, **wanted) == expected, wanted
        some += bool(expected)
    assert some > len(pairs) / 3


def test_counts_of_filters_are_of_what_they_find(many: User) -> None:
    version = ModelVersion.objects.get(state="active").pk
    for wanted in (PhotoFilter(), PhotoFilter(by="model"), PhotoFilter(sure="unsure", model=version, format="JPEG")):
        counts = photos_counted(many, wanted)
        assert sum(counts["format"].values()) == len(found(many, **vars(wanted.without("format"))))
        for name, values in counts.items():
            for value in values.keys() - {""}:
                kind = int if name == "model" else str
                assert values[value] == len(found(many, **vars(wanted) | {name: kind(value)})), (wanted, name, value)
    assert photos_counted(many, PhotoFilter(q="dog")) == photos_counted(many, PhotoFilter(batch=1)) == {}


def test_all_filters_together_find_what_has_it_all(many: User) -> None:
    photo = Photo.objects.filter(owner=many, text_by="model", job__state="done").exclude(batch_items=None)[0]
    batch = photo.batch_items.get().batch_id
    day = photo.created_at.date()
    sure = next(name for name, (least, below) in SURENESS.items() if least <= (photo.confidence or 0) < below)
    wanted: dict[str, Any] = {
        "q": photo.name, "states": ("done",), "by": "model", "review": photo.review_state, "sure": sure,
        "model": photo.model_version_id, "batch": batch, "since": day, "until": day, "format": photo.format,
    }  # fmt: skip
    assert found(many, **wanted) == [photo.pk]
    assert found(many, **wanted | {"since": day + dt.timedelta(days=1)}) == []


def test_filter_finds_nothing_of_somebody_else(many: User) -> None:
    theirs = User.objects.get(username="grace").batches.order_by("-pk")[0]
    assert found(many, batch=theirs.pk) == []


def test_filtered_and_unfiltered_lists_have_the_newest_first(many: User) -> None:
    newest = list(Photo.objects.filter(owner=many).order_by("-created_at", "-pk").values_list("pk", flat=True))
    assert found(many) == newest
    assert found(many, sort="oldest") == newest[::-1]


def test_sort_by_name_does_not_tell_capitals_from_others(user: User) -> None:
    names = ["b.jpg", "A.jpg", "a_2.jpg", "C.jpg", "Z.jpg", "é.jpg"]
    for name in names:
        Photo.objects.filter(pk=photo_make(user).pk).update(name=name)
    listed = [photo.name for photo in FoundPhotos(user, PhotoFilter(sort="name"))[:9]]
    assert listed == ["A.jpg", "a_2.jpg", "b.jpg", "C.jpg", "Z.jpg", "é.jpg"]


def test_sort_by_sureness_has_the_least_sure_first_and_texts_of_nobody_last(user: User) -> None:
    version = model_version_make()
    waiting = photo_make(user)
    photos = [caption_make(user, version, confidence=share).photo_id for share in (0.5, 0.1, 0.9)]
    assert found(user, sort="unsure") == [photos[1], photos[0], photos[2], waiting.pk]


def test_single_page_of_a_list_is_read_by_its_place(many: User) -> None:
    newest = found(many)
    photos = FoundPhotos(many, PhotoFilter())
    assert [photo.pk for photo in photos[24:48]] == newest[24:48]
    assert photos[3].pk == newest[3]
    assert photos[ALL : 2 * ALL] == []


def test_photos_without_any_batch_or_state_of_a_filter_are_none(user: User) -> None:
    photo_make(user, state=CaptionJob.State.DONE)
    assert found(user, batch=1) == found(user, states=("failed",)) == []
