"""A site with an owner of many photos, made as rows alone: every state, outcome and decision. Django must be set up.

All rows of the benchmark and of the test of queries are made here. The rows have no files behind them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone
from tqdm import tqdm

from webapp.accounts.models import User
from webapp.batches.models import Batch, BatchItem
from webapp.captioning.models import Caption, CaptionJob, Decision, ModelVersion, WorkerHeartbeat
from webapp.captioning.services.texts import texts_settle
from webapp.counters.services import counts_fold
from webapp.photos.models import Photo

PASSWORD: Final = "correct horse battery"  # noqa: S105 - of the benchmark's own accounts
STAFF: Final = "staff"
AT_ONCE: Final = 2000
APART: Final = dt.timedelta(minutes=5)  # from one photo to the next
SMALL_BATCHES: Final = 60  # more than a page of any list shows
IN_SMALL_BATCH: Final = 10
WORKERS: Final = [f"host:{number}" for number in range(3)]
WORKERS_GONE: Final = 30
ALTERNATIVES: Final = 3
ATTENTION_SIDE: Final = 7
SUBJECTS: Final = ("a dog", "two men", "a girl in red", "a crowd", "a cyclist")
VERBS: Final = ("runs", "stands still", "jumps", "waits", "plays")
PLACES: Final = ("on the beach", "in the snow", "near a fence", "across a street", "in the grass")

State = CaptionJob.State
Outcome = BatchItem.Outcome
DECISIONS: Final = (Decision.Verdict.APPROVED, Decision.Verdict.EDITED, Decision.Verdict.REJECTED)
ERRORS: Final = {
    State.FAILED: ("unreadable", "This file cannot be read as a picture."),
    State.QUARANTINED: ("harmful", "Opening this file crashed its decoder."),
}


@dataclass(frozen=True)
class Site:
    """What the pages are asked for. `photo` has two captions and a decision; nobody has decided on `undecided`."""

    owner: str
    count: int
    photo: int
    batch: int  # the one of `count` items
    undecided: int


def site_fill(*, owner: str, count: int) -> Site:
    """Makes `count` photos of a new owner with all that hangs on them, and once the staff, models and workers."""
    if not User.objects.filter(username=STAFF).exists():
        User.objects.create_superuser(username=STAFF, password=PASSWORD)
    user = User.objects.create_user(username=owner, password=PASSWORD)
    versions = _versions()
    _workers_make(versions[-1])
    with _own_times(Photo, Caption, Decision, Batch):
        batches = _batches(user, count)
        now = timezone.now()
        for start in tqdm(range(0, count, AT_ONCE), desc=f"rows of {count} photos", disable=count <= AT_ONCE):
            with transaction.atomic():
                numbers = range(start, min(start + AT_ONCE, count))
                _chunk_make(user, versions, batches, numbers, count=count, now=now)
    database_tidy()
    captions = Caption.objects.filter(photo__owner=user)
    decided = captions.filter(model_version=versions[0], decisions__isnull=False).order_by("pk")
    undecided = captions.filter(decisions=None).order_by("confidence", "pk")
    return Site(user.username, count, decided[0].photo_id, batches[-1].pk, undecided[0].pk)


def workers_beat() -> None:
    """The workers that are there give a sign of life, as they do every five seconds."""
    now = timezone.now()
    WorkerHeartbeat.objects.filter(name__in=WORKERS).update(seen_at=now, last_caption_at=now, last_finish_at=now)


def database_tidy() -> None:
    """What a worker does every few seconds, and what PostgreSQL's autovacuum does after many writes."""
    counts_fold()
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


# --- What stands at the number of a photo, of `count` ----------------------------------------------------------------
def _state(number: int, count: int) -> str:
    """The oldest failed at 5 % each kind, the newest wait: a list of one state has to find its rows among the done."""
    if number < 2 * count // 5:
        return {0: State.FAILED, 1: State.QUARANTINED, 2: State.CANCELLED}.get(number % 8, State.DONE)
    if number >= 4 * count // 5:
        return {0: State.QUEUED, 1: State.PAUSED, 2: _in_hand(number, count)}.get(number % 4, State.DONE)
    return State.DONE


def _in_hand(number: int, count: int) -> str:
    """Workers hold few photos, however many there are."""
    return State.RUNNING if number >= count - 32 else State.DONE


def _outcome(number: int) -> str:
    return {
        0: Outcome.FAILED, 5: Outcome.LEFT_OUT, 9: Outcome.PENDING, 13: Outcome.GONE, 14: Outcome.CHANGED,
        15: Outcome.SAME,
    }.get(number % 20, Outcome.TAKEN)  # fmt: skip


def _text(number: int) -> str:
    subject, verb, place = SUBJECTS[number % 5], VERBS[number // 5 % 5], PLACES[number // 25 % 5]
    return f"{subject} {verb} {place} ."


# --- The rows ---------------------------------------------------------------------------------------------------------
def _versions() -> list[ModelVersion]:
    """The retired one and the active one."""
    made = []
    for number, state in enumerate((ModelVersion.State.RETIRED, ModelVersion.State.ACTIVE)):
        values = {"name": f"model {number}", "path": f"models/{number}", "state": state, "metrics": {"bleu_4": 24.3}}
        made.append(ModelVersion.objects.get_or_create(version=f"{number:064x}", defaults=values)[0])
    return made


def _workers_make(version: ModelVersion) -> None:
    now = timezone.now()
    long_ago = now - dt.timedelta(days=3)
    for name in WORKERS:
        values = {"device": "cpu", "model_version": version, "captions": 1000, "started_at": long_ago, "seen_at": now}
        WorkerHeartbeat.objects.get_or_create(name=name, defaults=values)
    for number in range(WORKERS_GONE):
        values = {"device": "cpu", "started_at": long_ago, "seen_at": long_ago}
        WorkerHeartbeat.objects.get_or_create(name=f"gone:{number}", defaults=values)
    workers_beat()


def _batches(user: User, count: int) -> list[Batch]:
    """Small ones, a few more where there are many photos; the newest is the one of `count` items."""
    now = timezone.now()
    number = SMALL_BATCHES + count // 500
    sources = (Batch.Source.ZIP, Batch.Source.FOLDER, Batch.Source.API)
    states = (Batch.State.RUNNING, Batch.State.PAUSED, Batch.State.CANCELLED, Batch.State.RUNNING)
    small = [
        Batch(
            owner=user, name=f"zip {each}", source=sources[each % 3], state=states[each % 4],
            created_at=now - (number - each) * APART,
        )
        for each in range(number)
    ]  # fmt: skip
    big = Batch(owner=user, name="all", source=Batch.Source.FOLDER, origin="photos", created_at=now)
    return Batch.objects.bulk_create([*small, big])


def _chunk_make(
    user: User, versions: list[ModelVersion], batches: list[Batch], numbers: range, *, count: int, now: Any
) -> None:
    """The photos of these numbers with their jobs, captions, decisions and places in batches."""
    photos = dict(zip(numbers, Photo.objects.bulk_create(_photos(user, numbers, count=count, now=now)), strict=True))
    CaptionJob.objects.bulk_create(_job(photo, number, _state(number, count)) for number, photo in photos.items())
    done = {number: photo for number, photo in photos.items() if _state(number, count) == State.DONE}
    captions = Caption.objects.bulk_create(_captions(done, versions))
    Decision.objects.bulk_create(_decisions(captions, user))
    BatchItem.objects.bulk_create(_items(photos, batches))
    texts_settle(photo.pk for photo in photos.values())


def _photos(user: User, numbers: range, *, count: int, now: Any) -> Iterator[Photo]:
    for number in numbers:
        folder = f"photos/{number % 256:02x}/{number:032x}"
        yield Photo(
            owner=user, sha256=f"{number:064x}", name=f"IMG_{number:06}.jpg", original=f"{folder}/original",
            thumbnail=f"{folder}/thumbnail.jpg", preview=f"{folder}/preview.jpg",
            format="PNG" if number % 10 == 0 else "JPEG", width=500, height=375, size_bytes=100_000,
            created_at=now - (count - number) * APART,
        )  # fmt: skip


def _job(photo: Photo, number: int, state: str) -> CaptionJob:
    begun = state not in {State.QUEUED, State.PAUSED, State.CANCELLED}
    ended = state in {State.DONE, State.FAILED, State.QUARANTINED}
    code, message = ERRORS.get(State(state), ("", ""))
    return CaptionJob(
        photo=photo, owner=photo.owner, photo_created_at=photo.created_at, state=state,
        lane=CaptionJob.Lane.INTERACTIVE if number % 4 == 0 else CaptionJob.Lane.BULK,
        token=1, worker=WORKERS[number % 3] if begun else "", error_code=code, error_message=message,
        queued_at=photo.created_at, started_at=photo.created_at if begun else None,
        finished_at=photo.created_at if ended else None,
    )  # fmt: skip


def _captions(photos: dict[int, Photo], versions: list[ModelVersion]) -> Iterator[Caption]:
    """One by the active version, and for every third photo one by the retired version before it."""
    for number, photo in photos.items():
        for version in versions if number % 3 == 0 else versions[1:]:
            text = _text(number + version.pk)
            words = text.split()
            yield Caption(
                photo=photo, model_version=version, text=text, confidence=number * 7919 % 10_000 / 10_000,
                words=[{"text": word, "log_probability": -0.4321} for word in words],
                alternatives=[
                    {"text": _text(number + other), "confidence": 0.1} for other in range(1, ALTERNATIVES + 1)
                ],
                attention=bytes(len(words) * ATTENTION_SIDE**2),
                attention_shape=[len(words), ATTENTION_SIDE, ATTENTION_SIDE], decode_ms=8.1, wait_ms=3.2, model_ms=41.5,
                created_at=photo.created_at,
            )  # fmt: skip


def _decisions(captions: list[Caption], user: User) -> Iterator[Decision]:
    """Of every fourth caption; every fortieth was decided twice."""
    for number, caption in enumerate(captions):
        for again in range((number % 4 == 0) + (number % 40 == 0)):
            verdict = DECISIONS[(number // 4 + again) % 3]
            texts = {Decision.Verdict.APPROVED: caption.text, Decision.Verdict.EDITED: f"{caption.text} Edited."}
            yield Decision(
                caption=caption, reviewer=user, verdict=verdict, text=texts.get(verdict, ""),
                created_at=caption.created_at,
            )  # fmt: skip


def _items(photos: dict[int, Photo], batches: list[Batch]) -> Iterator[BatchItem]:
    *small, big = batches
    for number, photo in photos.items():
        outcome = _outcome(number)
        there = outcome in {Outcome.TAKEN, Outcome.CHANGED, Outcome.SAME} and number % 20 != 19  # else deleted since
        told = outcome in {Outcome.FAILED, Outcome.LEFT_OUT, Outcome.GONE}
        yield BatchItem(
            batch=big, name=f"folder/{photo.name}", key=f"{number:064x}", sha256=photo.sha256, outcome=outcome,
            photo=photo if there else None, error_code="unsupported" if told else "",
            error_message="This is no picture." if told else "",
        )  # fmt: skip
        if number < IN_SMALL_BATCH * len(small):
            yield BatchItem(batch=small[number % len(small)], name=photo.name, key=f"{number:064x}", photo=photo,
                            sha256=photo.sha256, outcome=Outcome.TAKEN)  # fmt: skip


@contextmanager
def _own_times(*models: type[Model]) -> Iterator[None]:
    """Rows keep the `created_at` that they are given: a gallery of years is made in seconds."""
    fields: list[Any] = [model._meta.get_field("created_at") for model in models]
    for field in fields:
        field.auto_now_add = False
    try:
        yield
    finally:
        for field in fields:
            field.auto_now_add = True
