"""What goes on now, gathered from rows and broker."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from tests.brokers import Broker, broker_use
from tests.webapp.rows import caption_make, model_version_make, photo_make
from webapp import jobs
from webapp.accounts.models import User
from webapp.captioning.models import Caption, CaptionJob, ModelVersion
from webapp.captioning.selectors.operating_state import BROKER_SECONDS, operation, span_text
from webapp.captioning.selectors.workers import Progress
from webapp.captioning.services.heartbeats import heartbeat_record

State = CaptionJob.State
pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(model_version: ModelVersion) -> None:
    heartbeat_record(name="host:1", device="cpu", model_version_id=model_version.pk)


@pytest.fixture
def own_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """One that the test may break."""
    with Broker() as broker:
        broker_use(broker, monkeypatch)
        yield broker


def test_operation_of_an_empty_site_is_healthy_once_a_worker_runs(broker: Broker, worker: None) -> None:
    now = operation()
    assert (now.healthy, now.message) == (True, "")
    assert now.waiting == {"interactive": 0, "bulk": 0}
    assert (now.running, now.failed, now.quarantined, now.captions_per_minute) == (0, 0, 0, 0)
    assert now.oldest_waiting_seconds is None


def test_operation_without_a_worker_is_unhealthy(broker: Broker) -> None:
    now = operation()
    assert (now.healthy, now.progress.progress, now.workers) == (False, Progress.NO_WORKER, [])


def test_photos_are_counted_by_what_they_wait_for(broker: Broker, user: User) -> None:
    counts = {State.QUEUED: 3, State.RUNNING: 2, State.FAILED: 4, State.QUARANTINED: 1, State.PAUSED: 5, State.DONE: 6}
    for state, count in counts.items():
        for _ in range(count):
            photo_make(user, state=state)
    photo_make(user, lane="bulk")
    now = operation()
    assert now.waiting == {"interactive": 3, "bulk": 1}
    assert (now.running, now.failed, now.quarantined) == (2, 4, 1)


def test_oldest_waiting_photo_is_that_of_either_lane(broker: Broker, user: User) -> None:
    for lane, seconds in (("interactive", 40), ("bulk", 700), ("bulk", 20)):
        job = photo_make(user, lane=lane).job
        CaptionJob.objects.filter(pk=job.pk).update(queued_at=Now() - timedelta(seconds=seconds))
    assert operation().oldest_waiting_seconds == pytest.approx(700, abs=5)


def test_captions_a_minute_are_those_of_the_last_one(broker: Broker, user: User) -> None:
    version = model_version_make()
    old, *_ = [caption_make(user, version) for _ in range(3)]
    Caption.objects.filter(pk=old.pk).update(created_at=Now() - timedelta(seconds=70))
    assert operation().captions_per_minute == 2


def test_captions_a_minute_are_none_of_a_clock_that_was_set_back(broker: Broker, user: User) -> None:
    caption_make(user, model_version_make())
    Caption.objects.update(created_at=Now() + timedelta(hours=2))
    assert operation().captions_per_minute == 0


def test_messages_are_counted_at_the_broker(broker: Broker) -> None:
    jobs.caption_photos_enqueue(range(2 * jobs.CHUNK_SIZE), queue=jobs.BULK)
    assert operation().queues == {"housekeeping": 0, "interactive": 0, "bulk": 2}


def test_broker_that_is_down_is_unhealthy_and_named(worker: None) -> None:
    now = operation()
    assert (now.healthy, now.queues) == (False, None)
    assert "broker does not answer" in now.message


def test_broker_that_is_silent_costs_no_more_than_its_time(own_broker: Broker, worker: None) -> None:
    own_broker.freeze()
    begun = time.monotonic()
    now = operation()
    taken = time.monotonic() - begun
    own_broker.thaw()
    assert now.queues is None
    assert taken < BROKER_SECONDS + 0.5


def test_broker_that_is_away_is_blamed_for_workers_that_stall(worker: None, user: User) -> None:
    from webapp.captioning.models import WorkerHeartbeat

    WorkerHeartbeat.objects.update(started_at=Now() - timedelta(hours=1))
    photo_make(user)
    CaptionJob.objects.update(queued_at=Now() - timedelta(minutes=10))
    now = operation()
    assert now.progress.progress is Progress.STALLED
    assert "broker" in now.message
    assert "finished nothing" not in now.message


def test_operation_costs_the_same_queries_for_few_and_for_many(broker: Broker, user: User, worker: None) -> None:
    version = model_version_make()
    counts = []
    for number in (1, 20):
        for index in range(number):
            photo_make(user)
            photo_make(user, state=State.RUNNING, worker=f"host:{index}")
            caption_make(user, version)
            heartbeat_record(name=f"other:{index}", device="cpu", model_version_id=version.pk)
        with CaptureQueriesContext(connection) as captured:
            operation()
        counts.append(len(captured))
    assert counts == [9, 9]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"), (0.4, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (7500, "2 h 5 min"),
        (86400, "1 d"), (200000, "2 d 7 h"),
    ],
)  # fmt: skip
def test_span_is_told_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert span_text(seconds) == text
