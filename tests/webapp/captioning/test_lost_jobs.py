"""The sweep, on a real database and a real broker."""

import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from tests.brokers import Broker
from tests.webapp.job_rows import job_age, job_lease, job_make, job_stranded, published, state_of, together
from tests.webapp.rows import model_version_make
from webapp import jobs
from webapp.accounts.models import User
from webapp.batches.models import Batch
from webapp.captioning.models import CaptionJob, ModelVersion
from webapp.captioning.services import lost_jobs
from webapp.upkeep.services import lost_work_sweep

State = CaptionJob.State


@pytest.fixture(autouse=True)
def _workers_lease_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_jobs, "TAKEN_SECONDS", 0.0)


@pytest.mark.django_db(transaction=True)
def test_sweep_brings_back_what_a_dead_worker_held(user: User, broker: Broker) -> None:
    job = job_stranded(user)
    lost_work_sweep.sweep()
    assert state_of(job) == State.QUEUED
    assert published(broker, jobs.HOUSEKEEPING) == [{"job_ids": [job.pk]}]  # it waited long enough


@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_what_a_dead_worker_held_once(user: User, broker: Broker) -> None:
    job = job_stranded(user)
    for _ in range(3):
        lost_work_sweep.sweep()
        job_age(job, seconds=6)
    assert [broker.length(queue) for queue in jobs.QUEUES] == [1, 0, 0]


@pytest.mark.django_db(transaction=True)
def test_sweep_finds_a_stranded_photo_whose_message_was_lost_behind_a_long_queue(user: User, broker: Broker) -> None:
    job, waiting = job_stranded(user), job_make(user, lane="bulk")
    lost_work_sweep.sweep()
    broker.command("DEL", jobs.HOUSEKEEPING)
    jobs.caption_photos_enqueue([waiting.pk], queue=jobs.BULK)
    job_age(job, seconds=6)
    lost_work_sweep.sweep()
    assert published(broker, jobs.HOUSEKEEPING) == [{"job_ids": [job.pk]}]


@pytest.mark.django_db(transaction=True)
def test_sweep_finds_a_stranded_photo_whose_message_was_lost_while_others_are_stranded(
    user: User, broker: Broker
) -> None:
    """As where one worker after the other dies: each has some in hand, and had taken the messages of others."""
    lost = job_stranded(user)
    lost_work_sweep.sweep()
    broker.command("DEL", jobs.HOUSEKEEPING)
    job_age(lost, seconds=6)
    stranded = job_stranded(user)
    lost_work_sweep.sweep()
    assert published(broker, jobs.HOUSEKEEPING) == [{"job_ids": [lost.pk]}, {"job_ids": [stranded.pk]}]


def test_stranded_photo_is_served_before_all_others(user: User) -> None:
    job = job_stranded(user)
    lost_work_sweep.sweep()
    assert job_lease(job, "w2").queue == jobs.HOUSEKEEPING


@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_each_of_those_that_were_lost_together_by_itself(user: User, broker: Broker) -> None:
    lost = [job_stranded(user) for _ in range(3)]
    lost_work_sweep.sweep()
    assert published(broker, jobs.HOUSEKEEPING) == [{"job_ids": [job.pk]} for job in lost]

    broker.command("DEL", jobs.HOUSEKEEPING)  # and their messages after them
    for job in lost:
        job_age(job, seconds=6)
    lost_work_sweep.sweep()
    assert published(broker, jobs.HOUSEKEEPING) == [{"job_ids": [job.pk]} for job in lost]


@pytest.mark.django_db(transaction=True)
def test_sweep_leaves_a_live_lease_alone(user: User, broker: Broker) -> None:
    job = job_make(user)
    job_lease(job)
    job_age(job, seconds=14)
    lost_work_sweep.sweep()
    assert state_of(job) == State.RUNNING
    assert broker.length(jobs.INTERACTIVE) == 0


@pytest.mark.django_db(transaction=True)
def test_reclaiming_brings_back_what_a_worker_held_that_is_known_to_be_dead(user: User, broker: Broker) -> None:
    stranded, in_hand = job_make(user), job_make(user)
    job_lease(stranded, "dead")
    job_lease(in_hand, "alive")
    lost_jobs.leases_end(is_dead=lambda worker: worker == "dead")
    lost_work_sweep.sweep()
    assert (state_of(stranded), state_of(in_hand)) == (State.QUEUED, State.RUNNING)
    assert published(broker, jobs.HOUSEKEEPING) == [{"job_ids": [stranded.pk]}]


def test_sweep_quarantines_what_no_worker_survives(user: User) -> None:
    job = job_make(user)
    for _ in range(settings.LEASE_LIMIT):
        assert state_of(job) == State.QUEUED
        job_lease(job)
        job_age(job, seconds=16)
        lost_work_sweep.sweep()
    assert state_of(job) == State.QUARANTINED
    assert job.error_code == "no_result"
    assert job.finished_at is not None


@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_rows_that_no_message_stands_for(user: User, broker: Broker) -> None:
    waiting, bulk = job_make(user), job_make(user, lane="bulk")
    for job in (waiting, bulk):
        job_age(job, seconds=60)
    lost_work_sweep.sweep()
    assert published(broker, jobs.INTERACTIVE) == [{"job_ids": [waiting.pk]}]
    assert published(broker, jobs.BULK) == [{"job_ids": [bulk.pk]}]


@pytest.mark.django_db(transaction=True)
def test_sweep_waits_for_the_message_of_a_new_row(user: User, broker: Broker) -> None:
    job_make(user)
    lost_work_sweep.sweep()
    assert broker.length(jobs.INTERACTIVE) == 0


@pytest.mark.django_db(transaction=True)
def test_sweep_does_not_flood_a_queue_that_is_merely_long(user: User, broker: Broker) -> None:
    job = job_make(user, lane="bulk")
    job_age(job, seconds=60)
    jobs.caption_photos_enqueue([job.pk], queue=jobs.BULK)
    for _ in range(3):
        lost_work_sweep.sweep()
    assert broker.length(jobs.BULK) == 1


@pytest.mark.parametrize("state", [State.PAUSED, State.CANCELLED, State.FAILED, State.QUARANTINED, State.DONE])
@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_only_what_waits(user: User, broker: Broker, state: str) -> None:
    job_age(job_make(user, state=state), seconds=60)
    lost_work_sweep.sweep()
    assert broker.length(jobs.INTERACTIVE) == 0


@pytest.mark.django_db(transaction=True)
def test_sweep_without_a_broker_still_frees_leases(user: User) -> None:
    job = job_make(user)
    job_lease(job)
    job_age(job, seconds=16)
    lost_work_sweep.sweep()
    assert state_of(job) == State.QUEUED


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_the_same_moment_publish_once(user: User, broker: Broker) -> None:
    job = job_make(user)
    job_lease(job)
    job_age(job, seconds=16)

    together([_sweep] * 4)
    assert broker.length(jobs.HOUSEKEEPING) == 1


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_the_same_moment_publish_a_lost_bulk_once(user: User, broker: Broker) -> None:
    ids = [job_make(user, lane="bulk").pk for _ in range(3 * jobs.CHUNK_SIZE)]
    CaptionJob.objects.update(queued_at=Now() - timedelta(seconds=60))

    def publish() -> None:
        lost_jobs.queue_publish_lost(jobs.BULK)  # as it finds the queue before another has filled it
        connection.close()

    together([publish] * 4)
    assert [job_id for message in published(broker, jobs.BULK) for job_id in message["job_ids"]] == ids


@pytest.mark.django_db(transaction=True)
def test_sweep_leaves_to_a_worker_what_it_has_just_taken(
    user: User, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_make(user)
    job_age(job, seconds=60)
    monkeypatch.setattr(lost_jobs, "TAKEN_SECONDS", 0.5)

    def lease() -> None:
        time.sleep(0.2)  # its message was taken before the sweep looked
        job_lease(job)
        connection.close()

    together([lease, _sweep])
    assert broker.length(jobs.INTERACTIVE) == 0


@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_again_what_is_lost_again(user: User, broker: Broker) -> None:
    job = job_make(user)
    job_age(job, seconds=60)
    for _ in range(2):
        lost_work_sweep.sweep()
        assert published(broker, jobs.INTERACTIVE) == [{"job_ids": [job.pk]}]
        broker.command("FLUSHALL")
        job_age(job, seconds=6)


@pytest.mark.django_db(transaction=True)
def test_sweep_has_a_batch_unpacked_that_nobody_unpacks_any_more(user: User, broker: Broker) -> None:
    batch = _unpacking(user, unpack_lease_expires_at=Now() - timedelta(seconds=1))
    lost_work_sweep.sweep()
    assert published(broker, jobs.HOUSEKEEPING) == [{"batch_id": batch.pk}]


@pytest.mark.django_db(transaction=True)
def test_sweep_leaves_a_batch_alone_that_somebody_unpacks(user: User, broker: Broker) -> None:
    _unpacking(user, unpack_lease_expires_at=Now() + timedelta(seconds=10))
    lost_work_sweep.sweep()
    assert [broker.length(queue) for queue in jobs.QUEUES] == [0, 0, 0]


@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_a_batch_whose_message_was_lost(user: User, broker: Broker) -> None:
    batch = _unpacking(user)
    lost_work_sweep.sweep()
    assert published(broker, jobs.HOUSEKEEPING) == [{"batch_id": batch.pk}]


@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_a_candidate_whose_message_was_lost(db: None, broker: Broker) -> None:
    model_version = model_version_make()
    ModelVersion.objects.update(created_at=Now() - timedelta(seconds=60))
    lost_work_sweep.sweep()
    assert published(broker, jobs.INTERACTIVE) == [{"model_version_id": model_version.pk}]


@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_no_second_message_while_the_first_one_waits(user: User, broker: Broker) -> None:
    _unpacking(user)
    model_version_make()
    ModelVersion.objects.update(created_at=Now() - timedelta(seconds=60))
    for _ in range(3):
        lost_work_sweep.sweep()
    assert [broker.length(queue) for queue in jobs.QUEUES] == [1, 1, 0]


@pytest.mark.django_db(transaction=True)
def test_sweep_waits_for_the_messages_of_a_new_batch_and_a_new_candidate(user: User, broker: Broker) -> None:
    _unpacking(user)
    Batch.objects.update(created_at=Now())
    model_version_make()
    lost_work_sweep.sweep()
    assert [broker.length(queue) for queue in jobs.QUEUES] == [0, 0, 0]


@pytest.mark.django_db(transaction=True)
def test_sweep_frees_leases_where_the_broker_does_not_say_what_waits(user: User, broker: Broker) -> None:
    job = job_stranded(user)
    broker.command("SET", jobs.BULK, "no list")
    lost_work_sweep.sweep()
    assert state_of(job) == State.QUEUED


def _unpacking(user: User, **values: object) -> Batch:
    batch = Batch.objects.create(owner=user, name="zip", source=Batch.Source.ZIP, state=Batch.State.UNPACKING, **values)
    Batch.objects.update(created_at=Now() - timedelta(seconds=60))
    return batch


def _sweep() -> None:
    """In a thread."""
    lost_work_sweep.sweep()
    connection.close()
