"""Times by a clock that was set back since, or forward, before any worker has moved them: none of them is believed."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models.functions import Now

from tests.brokers import Broker
from tests.clocks import DatabaseClock
from tests.webapp.clock_rows import HOURS, about, both_ways, queued
from tests.webapp.job_rows import job_age, job_lease, job_make, published, state_of
from tests.webapp.rows import caption_make, model_version_make
from webapp import jobs
from webapp.accounts.models import User
from webapp.batches.models import Batch
from webapp.batches.services.zip_unpacking import UNPACK_LEASE_SECONDS
from webapp.captioning.models import Caption, CaptionJob, Decision, ModelVersion, WorkerHeartbeat
from webapp.captioning.selectors.operating_state import operation
from webapp.captioning.services import lost_jobs
from webapp.captioning.services.decisions import caption_edit
from webapp.captioning.services.heartbeats import heartbeat_record, heartbeats_forget
from webapp.photos import storage
from webapp.photos.models import Photo
from webapp.upkeep.services import lost_work_sweep

State = CaptionJob.State


@pytest.fixture(autouse=True)
def _workers_lease_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_jobs, "TAKEN_SECONDS", 0.0)


def batch_unpacking(user: User, **values: object) -> Batch:
    return Batch.objects.create(owner=user, name="zip", source=Batch.Source.ZIP, state=Batch.State.UNPACKING, **values)


# --- The sweep --------------------------------------------------------------------------------------------------------


def test_sweep_after_the_clock_was_set_forward_leaves_a_live_lease_alone(
    user: User,
    database_clock: DatabaseClock,
) -> None:
    job = queued(user)
    lost_work_sweep.sweep()
    job_lease(job)
    database_clock.jump(HOURS)
    lost_work_sweep.sweep()
    assert state_of(job) == State.RUNNING


def test_sweep_after_the_clock_was_set_back_brings_back_what_a_dead_worker_held(
    user: User,
    database_clock: DatabaseClock,
) -> None:
    job = queued(user)
    lost_work_sweep.sweep()
    job_lease(job)
    database_clock.jump(-HOURS)
    lost_work_sweep.sweep()
    assert state_of(job) == State.RUNNING  # it may live
    database_clock.jump(1)
    job_age(job, seconds=16)
    lost_work_sweep.sweep()
    assert state_of(job) == State.QUEUED


@both_ways
def test_operation_tells_no_age_below_zero_before_anybody_has_noticed(
    user: User,
    database_clock: DatabaseClock,
    jump: float,
) -> None:
    heartbeat_record(name="w", device="cpu", model_version_id=None)
    WorkerHeartbeat.objects.update(last_caption_at=Now())
    queued(user)
    database_clock.jump(jump)
    now = operation()
    (worker,) = now.workers
    assert now.oldest_waiting_seconds == about(max(jump, 0))
    assert min(worker.seen_seconds, worker.uptime_seconds, worker.last_caption_seconds or 0) >= 0


@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_rows_that_were_queued_hours_from_now(user: User, broker: Broker) -> None:
    """By a clock that was set back since."""
    job = job_make(user)
    job_age(job, seconds=-7200)
    lost_work_sweep.sweep()
    assert published(broker, jobs.INTERACTIVE) == [{"job_ids": [job.pk]}]


@pytest.mark.parametrize("held", [True, False], ids=["in hand", "put off"])
def test_sweep_lets_no_lease_last_for_hours(user: User, held: bool) -> None:
    job = job_make(user)
    if held:
        job_lease(job)
    CaptionJob.objects.update(lease_expires_at=Now() + timedelta(hours=2))
    lost_work_sweep.sweep()
    assert state_of(job) == (State.RUNNING if held else State.QUEUED)  # whoever has it may live
    assert not CaptionJob.objects.filter(lease_expires_at__gt=Now() + timedelta(seconds=settings.LEASE_SECONDS))


def test_sweep_lets_no_lease_of_a_batch_last_for_hours(user: User) -> None:
    batch_unpacking(user, unpack_lease_expires_at=Now() + timedelta(hours=2))
    lost_work_sweep.sweep()
    assert not Batch.objects.filter(unpack_lease_expires_at__gt=Now() + timedelta(seconds=UNPACK_LEASE_SECONDS))


@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_a_batch_and_a_candidate_that_were_made_hours_from_now(user: User, broker: Broker) -> None:
    batch, model_version = batch_unpacking(user), model_version_make()
    Batch.objects.update(created_at=Now() + timedelta(hours=2))
    ModelVersion.objects.update(created_at=Now() + timedelta(hours=2))
    lost_work_sweep.sweep()
    assert published(broker, jobs.HOUSEKEEPING) == [{"batch_id": batch.pk}]
    assert published(broker, jobs.INTERACTIVE) == [{"model_version_id": model_version.pk}]


@pytest.mark.django_db
def test_heartbeats_of_a_clock_that_was_a_day_ahead_are_forgotten() -> None:
    for name in ("ahead", "alive"):
        heartbeat_record(name=name, device="cpu", model_version_id=None)
    WorkerHeartbeat.objects.filter(name="ahead").update(seen_at=Now() + timedelta(hours=25))
    heartbeats_forget()
    assert list(WorkerHeartbeat.objects.values_list("name", flat=True)) == ["alive"]


# --- Files, and what is newest ----------------------------------------------------------------------------------------


def test_upload_under_way_keeps_its_files_where_the_clock_is_set_forward(media: Path) -> None:
    with storage.staging_folder() as folder:
        (folder / "original").write_bytes(b"x")
        hours_ago = time.time() - HOURS
        os.utime(folder, (hours_ago, hours_ago))
        storage.leftovers_sweep()
        assert (folder / "original").exists()


def test_caption_written_after_the_clock_was_set_back_is_the_newest(user: User) -> None:
    first = caption_make(user, model_version_make(), text="by the old model")
    Caption.objects.update(created_at=Now() + timedelta(hours=2))
    caption_make(user, model_version_make(), text="by the new model", photo=first.photo)
    assert Photo.objects.get().text == "by the new model"


def test_decision_made_after_the_clock_was_set_back_counts(user: User, staff_user: User) -> None:
    caption = caption_make(user, model_version_make())
    caption_edit(caption=caption, reviewer=staff_user, text="at first", seen=None)
    first = Decision.objects.get()
    Decision.objects.update(created_at=Now() + timedelta(hours=2))
    caption_edit(caption=caption, reviewer=staff_user, text="at last", seen=first.pk)
    assert Photo.objects.get().text == "at last"
