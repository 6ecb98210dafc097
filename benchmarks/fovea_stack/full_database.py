"""Fills a database with rows of photos that were captioned long ago. Runs in the stack's process."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from tests.stack import Stack

T = TypeVar("T")
AT_ONCE = 2000
WORDS = 10
ATTENTION = bytes(WORDS * 7 * 7)
OWNERS = 20


def photos_add(stack: Stack, count: int) -> None:
    """Adds `count` photos of several owners with jobs and captions, without files. Updates the planner's figures."""
    from django.contrib.auth import get_user_model
    from django.db import connection, transaction
    from django.utils import timezone

    from webapp.captioning.models import Caption, CaptionJob, ModelVersion
    from webapp.photos.models import Photo

    users = get_user_model().objects
    owners = [users.create_user(username=f"owner{number}") for number in range(OWNERS)]
    model = ModelVersion.objects.create(version="former", name="former", path="", state="retired")
    long_ago = timezone.now() - dt.timedelta(days=100)
    words = [{"text": "dog", "log_probability": -1.0}] * WORDS

    def photo(number: int) -> Photo:
        place = f"photos/{number}"
        return Photo(
            owner=owners[number % OWNERS], sha256=f"{number:064x}", name=f"{number}.jpg", original=f"{place}/original",
            thumbnail=f"{place}/thumbnail.jpg", preview=f"{place}/preview.jpg", format="JPEG", width=500, height=375,
            size_bytes=100_000,
        )  # fmt: skip

    def job(photo: Photo) -> CaptionJob:
        return CaptionJob(
            photo=photo,
            owner=photo.owner,
            photo_created_at=photo.created_at,
            lane="bulk",
            state="done",
            token=1,
            queued_at=long_ago,
            started_at=long_ago,
            finished_at=long_ago,
        )

    def caption(photo: Photo) -> Caption:
        return Caption(
            photo=photo, model_version=model, text="A dog runs.", confidence=(photo.pk % 100) / 100, words=words,
            attention=ATTENTION, attention_shape=[WORDS, 7, 7], decode_ms=1, wait_ms=1, model_ms=1,
        )  # fmt: skip

    for numbers in _chunks(iter(range(count))):
        with transaction.atomic():
            photos = Photo.objects.bulk_create([photo(number) for number in numbers])
            CaptionJob.objects.bulk_create([job(each) for each in photos])
            Caption.objects.bulk_create([caption(each) for each in photos])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # a database that grew over years has these figures


def _chunks(items: Iterator[T]) -> Iterator[list[T]]:
    while chunk := list(itertools.islice(items, AT_ONCE)):
        yield chunk
