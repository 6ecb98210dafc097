"""Photos for which people wait and that no message stands for, as those who have others in hand look for them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db.models.functions import Now
from pytest_django import DjangoAssertNumQueries

from tests.brokers import Broker
from tests.pictures import picture, upload
from tests.webapp.data_folder.test_outages import failing
from tests.webapp.job_rows import job_age, job_make, published
from tests.webapp.rows import model_version_make
from webapp import jobs
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob
from webapp.captioning.services import leases
from webapp.captioning.services.heartbeats import heartbeat_record
from webapp.captioning.services.photo_intake import photos_upload
from webapp.captioning.services.unsent_messages import FRESH_SECONDS, IN_HAND, waiting_followed, waiting_publish

IN_THE_HANDS_OF_A_WORKER = {"state": "running", "lease_count": 1, "started_at": Now()}


def in_hand(user: User, count: int = IN_HAND, **values: object) -> None:
    for _ in range(count):
        job_make(user, **{**IN_THE_HANDS_OF_A_WORKER, **values})


def follow(*, hands: int = 1, most: int = 16) -> list[int]:
    return [lease.job_id for lease in leases.waiting_lease(worker="w", most=most, hands=hands)]


# --- Whether an upload needs a message --------------------------------------------------------------------------------


def test_uploads_are_followed_where_as_many_are_in_hand_as_a_worker_wants(user: User) -> None:
    in_hand(user, IN_HAND - 1)
    assert not waiting_followed()
    in_hand(user, 1)
    assert waiting_followed()


def test_workers_are_counted_only_where_enough_is_in_hand_for_one(
    user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    in_hand(user, IN_HAND - 1)
    with django_assert_num_queries(1):
        assert not waiting_followed()


def test_uploads_are_not_followed_by_one_worker_where_there_are_two(user: User) -> None:
    model_version = model_version_make().pk
    for name in ("one", "two"):
        heartbeat_record(name=name, device="cpu", model_version_id=model_version)
    in_hand(user)
    assert not waiting_followed()
    in_hand(user)
    assert waiting_followed()


@pytest.mark.parametrize(
    "one",
    [
        {"lane": "bulk"},
        {"lease_count": 2},
        {"state": "queued"},
        {"started_at": Now() - timedelta(seconds=FRESH_SECONDS + 0.1)},
        {"started_at": Now() + timedelta(hours=2)},
    ],
    ids=["of a bulk", "stranded before", "given back", "whose file may hang", "of a clock that was set back"],
)
def test_uploads_are_not_followed_by_whoever_has_one_in_hand(user: User, one: dict[str, object]) -> None:
    in_hand(user, IN_HAND - 1)
    in_hand(user, 1, **one)
    assert not waiting_followed()


def test_uploads_are_not_followed_where_the_database_does_not_say(user: User) -> None:
    in_hand(user)
    with failing(OperationalError("connection refused")):
        assert not waiting_followed()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("others", "messages"), [(IN_HAND - 1, 1), (IN_HAND, 0)], ids=["not followed", "followed"])
def test_upload_sends_a_message_unless_it_is_followed(
    media: Path, user: User, broker: Broker, others: int, messages: int
) -> None:
    in_hand(user, others)
    (result,) = photos_upload(owner=user, files=[upload(picture((9, 9, 9)))])
    assert result.created
    assert broker.length(jobs.INTERACTIVE) == messages
    assert result.photo is not None
    assert follow() == [result.photo.job.pk]


# --- The next ones ----------------------------------------------------------------------------------------------------


def test_next_ones_are_those_that_have_waited_longest(user: User) -> None:
    waiting = [job_make(user) for _ in range(4)]
    job_age(waiting[3], seconds=9)
    assert follow(most=2) == [waiting[3].pk, waiting[0].pk]
    assert set(CaptionJob.objects.values_list("id", "state", "token")) == {
        (job.pk, *(("running", 1) if job in (waiting[3], waiting[0]) else ("queued", 0))) for job in waiting
    }


def test_next_ones_of_the_same_moment_are_those_that_came_first(user: User) -> None:
    waiting = [job_make(user) for _ in range(4)]
    for job in reversed(waiting):  # on PostgreSQL rows move when they are written
        CaptionJob.objects.filter(pk=job.pk).update(queued_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert follow(most=2) == [waiting[0].pk, waiting[1].pk]


@pytest.mark.parametrize(("waiting", "taken"), [(1, 1), (7, 1), (8, 2), (40, 3)])
def test_next_ones_are_one_hands_share_and_one_at_least(user: User, waiting: int, taken: int) -> None:
    for _ in range(waiting):
        job_make(user)
    assert len(follow(hands=4, most=3)) == taken


@pytest.mark.parametrize(
    "other",
    [{"lane": "bulk"}, {"lease_count": 1}, {"state": "paused"}, {"harm_count": 1}],
    ids=["of a bulk", "stranded", "paused", "harmful"],
)
def test_next_ones_are_none_that_are_served_otherwise(user: User, other: dict[str, object]) -> None:
    job_make(user, **other)
    assert follow() == []


def test_whoever_finds_none_locks_nothing(user: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        assert follow() == []


# --- Handing on -------------------------------------------------------------------------------------------------------


def test_whoever_looks_no_more_hands_on_by_one_message(user: User, broker: Broker) -> None:
    first, _ = job_make(user), job_make(user)
    waiting_publish()
    assert published(broker, jobs.INTERACTIVE) == [{"job_ids": [first.pk]}]


def test_whoever_looks_no_more_hands_nothing_on_where_none_waits(user: User, broker: Broker) -> None:
    job_make(user, lane="bulk")
    waiting_publish()
    assert broker.length(jobs.INTERACTIVE) == 0
