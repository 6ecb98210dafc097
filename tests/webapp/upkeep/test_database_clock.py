"""The database's clock is set forward and back: no wait, no lease and no sign of life is told by the wrong clock."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from pytest_django import DjangoAssertNumQueries

from tests.clocks import DatabaseClock
from tests.webapp.clock_rows import HOURS, about, both_ways, look, queued, seconds_since, watching
from tests.webapp.job_rows import job_lease, job_stranded, together
from tests.webapp.rows import model_version_make
from webapp.accounts.models import User
from webapp.batches.models import Batch
from webapp.captioning.models import CaptionJob, WorkerHeartbeat
from webapp.captioning.selectors.workers import ALIVE_SECONDS, WorkerState, workers_told
from webapp.captioning.services.heartbeats import heartbeat_record
from webapp.upkeep.models import Installation
from webapp.upkeep.services import database_clock as clock_module
from webapp.upkeep.services.database_clock import Clock

State = CaptionJob.State


@pytest.fixture
def clock(database_clock: DatabaseClock) -> Clock:
    """A worker's, which has looked."""
    return watching()


@contextmanager
def statements_slow(seconds: float) -> Iterator[None]:
    """The database begins with each statement so many seconds late."""

    def execute(run: Any, *arguments: Any) -> Any:
        time.sleep(seconds)
        return run(*arguments)

    with connection.execute_wrapper(execute):
        yield


# --- What is moved ----------------------------------------------------------------------------------------------------


@both_ways
def test_clock_that_jumps_leaves_a_wait_as_long_as_it_was(
    user: User,
    clock: Clock,
    database_clock: DatabaseClock,
    jump: float,
) -> None:
    job = queued(user, seconds=100)
    database_clock.jump(jump)
    look(clock)
    assert seconds_since(job, "queued_at") == about(100)


@both_ways
def test_clock_that_jumps_leaves_a_lease_its_time(
    user: User,
    clock: Clock,
    database_clock: DatabaseClock,
    jump: float,
) -> None:
    job = queued(user)
    job_lease(job)
    database_clock.jump(jump)
    look(clock)
    assert (seconds_since(job, "lease_expires_at"), seconds_since(job, "started_at")) == (about(-15), about(0))


@both_ways
def test_clock_that_jumps_lets_a_lease_that_ran_out_be(
    user: User,
    clock: Clock,
    database_clock: DatabaseClock,
    jump: float,
) -> None:
    job = job_stranded(user)
    database_clock.jump(jump)
    look(clock)
    assert seconds_since(job, "lease_expires_at") > 0


@both_ways
def test_clock_that_jumps_leaves_a_zip_that_is_unpacked_its_time(
    user: User,
    clock: Clock,
    database_clock: DatabaseClock,
    jump: float,
) -> None:
    batch = Batch.objects.create(owner=user, name="zip", source=Batch.Source.ZIP, state=Batch.State.UNPACKING)
    Batch.objects.update(unpack_lease_expires_at=Now() + timedelta(seconds=30))
    database_clock.jump(jump)
    look(clock)
    assert seconds_since(batch, "unpack_lease_expires_at") == about(-30)


@both_ways
def test_clock_that_jumps_leaves_a_workers_ages_as_they_were(
    clock: Clock,
    database_clock: DatabaseClock,
    jump: float,
) -> None:
    heartbeat_record(name="w", device="cpu", model_version_id=model_version_make().pk)
    ages = {"started_at": 3600, "last_caption_at": 90, "last_finish_at": 30, "seen_at": 3}
    WorkerHeartbeat.objects.update(**{name: Now() - timedelta(seconds=age) for name, age in ages.items()})
    database_clock.jump(jump)
    look(clock)
    row = WorkerHeartbeat.objects.get()
    assert {name: seconds_since(row, name) for name in ages} == {name: about(age) for name, age in ages.items()}


@both_ways
def test_clock_that_jumps_alarms_nobody_about_a_worker_that_is_well(
    user: User,
    clock: Clock,
    database_clock: DatabaseClock,
    jump: float,
) -> None:
    heartbeat_record(name="w", device="cpu", model_version_id=model_version_make().pk)
    WorkerHeartbeat.objects.update(started_at=Now() - timedelta(hours=1), last_finish_at=Now() - timedelta(seconds=9))
    queued(user, seconds=9)
    job_lease(queued(user, seconds=9), "w")
    database_clock.jump(jump)
    look(clock)
    heartbeat_record(name="w", device="cpu", model_version_id=WorkerHeartbeat.objects.get().model_version_id)
    workers, progress = workers_told()
    assert ([worker.state for worker in workers], progress.ok) == ([WorkerState.OK], True)


@both_ways
def test_clock_that_jumps_leaves_what_was_written_since(
    user: User,
    clock: Clock,
    database_clock: DatabaseClock,
    jump: float,
) -> None:
    before = queued(user, seconds=100)
    database_clock.jump(jump)
    since, taken = queued(user), queued(user)
    job_lease(taken)
    look(clock)
    assert seconds_since(before, "queued_at") == about(100)
    assert seconds_since(since, "queued_at") == about(0)
    assert seconds_since(taken, "lease_expires_at") == about(-15)


def test_clock_that_goes_on_moves_nothing(user: User, clock: Clock) -> None:
    job = queued(user, seconds=100)
    job.refresh_from_db()
    queued_at = job.queued_at
    look(clock)
    job.refresh_from_db()
    assert job.queued_at == queued_at


def test_clock_that_is_set_by_a_second_moves_nothing(
    user: User,
    clock: Clock,
    database_clock: DatabaseClock,
) -> None:
    job = queued(user, seconds=100)
    database_clock.jump(1)
    look(clock)
    assert seconds_since(job, "queued_at") == about(101)


def test_look_that_took_long_tells_of_no_jump(user: User, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that stood still between its own clock and the database's."""
    monkeypatch.setattr(clock_module, "SLOW_SECONDS", 0.1)
    monkeypatch.setattr(clock_module, "JUMP_SECONDS", 0.2)
    job = queued(user, seconds=100)
    with statements_slow(0.5):
        assert not clock.follow()
    look(clock)
    assert seconds_since(job, "queued_at") == pytest.approx(100.5, abs=0.2)


@pytest.mark.parametrize("jump", [-10, 10], ids=["back", "forward"])
def test_worker_that_could_not_look_for_long_tells_a_jump_from_the_time_that_passed(
    user: User, clock: Clock, database_clock: DatabaseClock, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    job = queued(user, seconds=100)
    passed = time.monotonic() + 60
    monkeypatch.setattr(clock_module, "time", SimpleNamespace(monotonic=lambda: passed))
    database_clock.jump(60 + jump)
    look(clock)
    assert seconds_since(job, "queued_at") == about(160)


# --- Who moves it -----------------------------------------------------------------------------------------------------


@both_ways
def test_jump_that_two_workers_see_is_moved_once(
    user: User,
    clock: Clock,
    database_clock: DatabaseClock,
    jump: float,
) -> None:
    job, other = queued(user, seconds=100), watching()
    database_clock.jump(jump)
    for each in (clock, other, clock, other):
        look(each)
    assert seconds_since(job, "queued_at") == about(100)


@pytest.mark.django_db(transaction=True)
@both_ways
def test_jump_that_workers_see_at_the_same_moment_is_moved_once(
    user: User,
    database_clock: DatabaseClock,
    jump: float,
    caplog: pytest.LogCaptureFixture,
) -> None:
    job = queued(user, seconds=100)
    workers = [watching() for _ in range(4)]
    database_clock.jump(jump)

    def follow(worker: Clock) -> None:
        look(worker)
        connection.close()

    together([lambda worker=worker: follow(worker) for worker in workers])  # type: ignore[misc]
    assert caplog.text.count("clock jumped") == 1
    assert seconds_since(job, "queued_at") == about(100)


def test_jump_and_its_return_are_both_moved_where_one_worker_saw_only_one_of_them(
    user: User,
    clock: Clock,
    database_clock: DatabaseClock,
) -> None:
    job, other = queued(user, seconds=100), watching()
    database_clock.jump(-HOURS)
    look(clock)
    database_clock.jump(HOURS)
    for each in (other, clock, other):  # the other one never saw the clock set back
        look(each)
    assert seconds_since(job, "queued_at") == about(100)


def test_worker_that_starts_after_the_clock_was_set_back_moves_what_is_to_come(
    user: User,
    clock: Clock,
    database_clock: DatabaseClock,
) -> None:
    job = queued(user)
    job_lease(job, "killed")
    heartbeat_record(name="killed", device="cpu", model_version_id=None)
    Installation.objects.update(clock_seen_at=Now() - timedelta(seconds=5))  # the last look before all that
    database_clock.jump(-HOURS)
    watching()
    assert seconds_since(job, "lease_expires_at") == about(-15)
    assert seconds_since(job, "queued_at") == about(0)
    assert ALIVE_SECONDS < seconds_since(WorkerHeartbeat.objects.get(), "seen_at") < 60  # it does not live again


def test_worker_that_starts_after_hours_moves_nothing(
    user: User,
    clock: Clock,
    database_clock: DatabaseClock,
) -> None:
    """Whether nobody worked for hours or the clock was set forward, it cannot know: the photo has waited."""
    job = queued(user)
    database_clock.jump(HOURS)
    watching()
    assert seconds_since(job, "queued_at") == about(HOURS)


def test_worker_starts_beside_one_that_has_moved_the_rows(
    user: User, clock: Clock, database_clock: DatabaseClock
) -> None:
    job = queued(user, seconds=100)
    database_clock.jump(-HOURS)
    look(clock)
    watching()
    assert seconds_since(job, "queued_at") == about(100)


def test_looking_costs_one_query_and_writes_nothing_each_time(
    clock: Clock, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        clock.follow()


def test_clock_leaves_the_installations_identity_alone(db: None) -> None:
    Installation.objects.create(pk=1, identity="ours")
    watching()
    row = Installation.objects.get()
    assert (row.identity, row.clock_seen_at is not None) == ("ours", True)
