"""The lease algorithm, on a real database. Time passes by moving the rows' own times into the past."""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from tests.brokers import Broker, wait_until
from tests.databases import postgres
from webapp import jobs
from webapp.accounts.models import User
from webapp.gallery.errors import StaleLease
from webapp.gallery.models import Batch, Caption, CaptionJob, ModelVersion, Photo
from webapp.gallery.services import leases
from webapp.gallery.services.leases import Lease
from webapp.gallery.services.photos import jobs_requeue

State = CaptionJob.State

FIELDS = {
    "text": "A dog runs.",
    "confidence": 0.5,
    "words": [{"text": "a", "log_probability": -0.1}],
    "decode_ms": 1.0,
    "wait_ms": 2.0,
    "model_ms": 3.0,
}


@pytest.fixture(autouse=True)
def _workers_lease_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "TAKEN_SECONDS", 0.0)


@pytest.fixture
def job(user: User) -> CaptionJob:
    return _job(user)


@pytest.fixture
def model_version(db: None) -> ModelVersion:
    return ModelVersion.objects.create(version="f" * 64, name="default", path="models/f")


def _job(user: User, **values: object) -> CaptionJob:
    number = Photo.objects.count()
    photo = Photo.objects.create(
        owner=user, sha256=f"{number:064}", name=f"{number}.jpg", original=f"photos/{number}/original",
        thumbnail="t", preview="p", format="JPEG", width=1, height=1, size_bytes=1,
    )  # fmt: skip
    return CaptionJob.objects.create(**{"photo": photo, "queued_at": Now(), **values})


def _lease(job: CaptionJob, worker: str = "w1") -> Lease:
    (lease,) = leases.jobs_lease(job_ids=[job.pk], worker=worker)
    return lease


def _age(job: CaptionJob, *, seconds: float) -> None:
    """Let time pass for one row."""
    past = timedelta(seconds=seconds)
    CaptionJob.objects.filter(pk=job.pk).update(
        queued_at=F("queued_at") - past, lease_expires_at=F("lease_expires_at") - past
    )


def _stranded(user: User) -> CaptionJob:
    """Of a bulk, in the hands of a worker that is dead."""
    job = _job(user, lane="bulk")
    _lease(job)
    _age(job, seconds=16)
    return job


def _state(job: CaptionJob) -> str:
    job.refresh_from_db()
    return job.state


def _published(broker: Broker, queue: str) -> list[dict[str, Any]]:
    answers = broker.command("LRANGE", queue, "0", "-1").split(b"\r\n")
    envelopes = [json.loads(line) for line in answers if line.startswith(b"{")]
    return [json.loads(base64.b64decode(envelope["body"]))[1] for envelope in reversed(envelopes)]


# --- Taking and renewing ----------------------------------------------------------------------------------------------


def test_lease_takes_a_waiting_job(job: CaptionJob) -> None:
    lease = _lease(job)
    assert (lease.job_id, lease.photo_id, lease.token, lease.queue) == (job.pk, job.photo_id, 1, "interactive")
    assert lease.path == settings.MEDIA_ROOT / job.photo.original
    assert _state(job) == State.RUNNING
    assert (job.worker, job.lease_count, job.token) == ("w1", 1, 1)


def test_lease_runs_out_after_its_seconds_by_the_databases_clock(job: CaptionJob) -> None:
    _lease(job)
    now = CaptionJob.objects.annotate(now=Now()).values_list("now", flat=True).get(pk=job.pk)
    job.refresh_from_db()
    assert job.lease_expires_at is not None
    assert abs((job.lease_expires_at - now).total_seconds() - settings.LEASE_SECONDS) < 2


@pytest.mark.parametrize("state", [state for state in State if state != State.QUEUED])
def test_lease_leaves_a_job_alone_that_does_not_wait(user: User, state: str) -> None:
    job = _job(user, state=state)
    assert leases.jobs_lease(job_ids=[job.pk], worker="w1") == []
    assert _state(job) == state


def test_lease_of_a_job_that_is_gone_is_none(db: None) -> None:
    assert leases.jobs_lease(job_ids=[404], worker="w1") == []


@pytest.mark.django_db(transaction=True)
def test_lease_goes_to_one_of_many_workers(user: User) -> None:
    ids = [_job(user).pk for _ in range(20)]
    taken: list[int] = []

    def take(worker: str) -> None:
        taken.extend(lease.job_id for lease in leases.jobs_lease(job_ids=ids, worker=worker))
        connection.close()

    _together([lambda name=f"w{number}": take(name) for number in range(8)])  # type: ignore[misc]
    assert sorted(taken) == ids


def test_renewal_extends_a_lease(job: CaptionJob) -> None:
    lease = _lease(job)
    _age(job, seconds=10)
    assert leases.leases_renew(leases=[lease]) == []
    _age(job, seconds=10)
    leases.jobs_sweep()
    assert _state(job) == State.RUNNING


def test_renewal_names_the_leases_that_are_lost(user: User) -> None:
    kept, lost, deleted = (_lease(_job(user)) for _ in range(3))
    CaptionJob.objects.filter(pk=lost.job_id).update(token=F("token") + 1)
    Photo.objects.filter(pk=deleted.photo_id).delete()
    assert leases.leases_renew(leases=[kept, lost, deleted]) == [lost, deleted]


# --- Ending -----------------------------------------------------------------------------------------------------------


def _record(lease: Lease, model_version: ModelVersion, **fields: Any) -> bool:
    """Whether the caption was stored."""
    return not leases.captions_record(captions={lease: FIELDS | fields}, model_version_id=model_version.pk)


def test_captions_record_stores_the_caption_and_ends_the_job(job: CaptionJob, model_version: ModelVersion) -> None:
    assert _record(_lease(job), model_version)
    caption = Caption.objects.get(photo=job.photo_id)
    assert (caption.text, caption.model_version_id) == ("A dog runs.", model_version.pk)
    assert _state(job) == State.DONE
    assert job.finished_at is not None
    assert job.lease_count == 0


def test_captions_record_refuses_a_stale_token(job: CaptionJob, model_version: ModelVersion) -> None:
    former = _lease(job, "w1")
    _age(job, seconds=16)
    leases.jobs_sweep()
    _lease(job, "w2")
    assert not _record(former, model_version)
    assert not Caption.objects.exists()
    assert _state(job) == State.RUNNING


def test_captions_record_refuses_a_second_result(job: CaptionJob, model_version: ModelVersion) -> None:
    lease = _lease(job)
    assert _record(lease, model_version)
    assert not _record(lease, model_version)


def test_captions_record_keeps_the_first_caption_of_a_model_version(
    job: CaptionJob, model_version: ModelVersion
) -> None:
    for text in ("first", "second"):
        assert _record(_lease(job), model_version, text=text)
        CaptionJob.objects.update(state=State.QUEUED)
    assert Caption.objects.get(photo=job.photo_id).text == "first"


def test_captions_record_after_the_photo_was_deleted_stores_nothing(
    job: CaptionJob, model_version: ModelVersion
) -> None:
    lease = _lease(job)
    Photo.objects.all().delete()
    assert not _record(lease, model_version)
    assert not Caption.objects.exists()


def test_captions_record_stores_those_of_a_chunk_that_are_still_held(user: User, model_version: ModelVersion) -> None:
    kept, lost, also_kept = (_lease(_job(user)) for _ in range(3))
    CaptionJob.objects.filter(pk=lost.job_id).update(token=F("token") + 1)
    captions = {lease: FIELDS | {"text": str(lease.job_id)} for lease in (kept, lost, also_kept)}
    assert leases.captions_record(captions=captions, model_version_id=model_version.pk) == [lost]
    stored = dict(Caption.objects.values_list("photo_id", "text"))
    assert stored == {lease.photo_id: str(lease.job_id) for lease in (kept, also_kept)}
    assert set(CaptionJob.objects.filter(state=State.DONE).values_list("pk", flat=True)) == {
        kept.job_id,
        also_kept.job_id,
    }


def test_captions_record_asks_the_database_as_often_for_sixteen_as_for_one(
    user: User, model_version: ModelVersion, django_assert_num_queries: Any
) -> None:
    for count in (1, 16):
        captions = {_lease(_job(user)): FIELDS for _ in range(count)}
        with django_assert_num_queries(5):  # the rows, the jobs, the captions, and the transaction's two ends
            leases.captions_record(captions=captions, model_version_id=model_version.pk)


def test_job_fail_tells_why(job: CaptionJob) -> None:
    leases.job_fail(lease=_lease(job), code="truncated", message="The file ends too early.")
    assert _state(job) == State.FAILED
    assert (job.error_code, job.error_message) == ("truncated", "The file ends too early.")
    assert job.finished_at is not None


def test_job_harm_gives_a_second_try_alone(
    job: CaptionJob, broker: Broker, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        leases.job_harm(lease=_lease(job), reason="ended its process (SIGSEGV)")
    assert _state(job) == State.QUEUED
    assert job.lease_count == 0  # no worker died of it
    assert _published(broker, jobs.INTERACTIVE) == [{"job_ids": [job.pk]}]


def test_job_harm_quarantines_the_second_time(job: CaptionJob) -> None:
    for _ in range(2):
        leases.job_harm(lease=_lease(job), reason="took longer than 20 s")
    assert _state(job) == State.QUARANTINED
    assert job.error_code == "harmful"
    assert "took longer than 20 s" in job.error_message
    assert job.finished_at is not None


def test_jobs_release_gives_the_job_back_uncounted(
    job: CaptionJob, broker: Broker, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        assert not leases.jobs_release(leases=[_lease(job)])
    assert _state(job) == State.QUEUED
    assert job.lease_count == 0
    assert _published(broker, jobs.INTERACTIVE) == [{"job_ids": [job.pk]}]


def test_jobs_release_tells_workers_once_of_each_lane(
    user: User, broker: Broker, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    waiting = [_job(user), _job(user, lane="bulk"), _job(user, lane="bulk")]
    held = leases.jobs_lease(job_ids=[job.pk for job in waiting], worker="w")
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        leases.jobs_release(leases=held)
    assert _published(broker, jobs.INTERACTIVE) == [{"job_ids": [waiting[0].pk]}]
    assert _published(broker, jobs.BULK) == [{"job_ids": [waiting[1].pk, waiting[2].pk]}]


def test_jobs_release_leaves_a_job_in_other_hands_alone(job: CaptionJob) -> None:
    lease = _lease(job)
    CaptionJob.objects.update(token=F("token") + 1)
    assert leases.jobs_release(leases=[lease]) == [lease]
    assert _state(job) == State.RUNNING


@pytest.mark.parametrize(
    "end",
    [
        lambda lease: leases.job_fail(lease=lease, code="empty", message=""),
        lambda lease: leases.job_harm(lease=lease, reason=""),
    ],
    ids=["fail", "harm"],
)
def test_stale_lease_ends_nothing(job: CaptionJob, end: Callable[[Lease], None]) -> None:
    lease = _lease(job)
    CaptionJob.objects.update(token=F("token") + 1)
    with pytest.raises(StaleLease):
        end(lease)
    assert _state(job) == State.RUNNING


@pytest.mark.django_db(transaction=True)
def test_caption_is_written_once_by_many_late_workers(user: User, model_version: ModelVersion) -> None:
    job = _job(user)
    held = []
    for number in range(6):
        held.append(_lease(job, f"w{number}"))
        CaptionJob.objects.update(state=State.QUEUED)
    CaptionJob.objects.update(state=State.RUNNING)
    refused: list[Lease] = []

    def record(lease: Lease) -> None:
        try:
            if not _record(lease, model_version):
                refused.append(lease)
        finally:
            connection.close()

    _together([lambda lease=lease: record(lease) for lease in held])  # type: ignore[misc]
    assert len(refused) == 5
    assert Caption.objects.count() == 1


# --- The sweep --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_sweep_brings_back_what_a_dead_worker_held(user: User, broker: Broker) -> None:
    job = _stranded(user)
    leases.jobs_sweep()
    assert _state(job) == State.QUEUED
    assert _published(broker, jobs.HOUSEKEEPING) == [{"job_ids": [job.pk]}]  # it waited long enough


@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_what_a_dead_worker_held_once(user: User, broker: Broker) -> None:
    job = _stranded(user)
    for _ in range(3):
        leases.jobs_sweep()
        _age(job, seconds=6)
    assert [broker.length(queue) for queue in jobs.QUEUES] == [1, 0, 0]


@pytest.mark.django_db(transaction=True)
def test_sweep_finds_a_stranded_photo_whose_message_was_lost_behind_a_long_queue(user: User, broker: Broker) -> None:
    job, waiting = _stranded(user), _job(user, lane="bulk")
    leases.jobs_sweep()
    broker.command("DEL", jobs.HOUSEKEEPING)
    jobs.caption_photos_enqueue([waiting.pk], queue=jobs.BULK)
    _age(job, seconds=6)
    leases.jobs_sweep()
    assert _published(broker, jobs.HOUSEKEEPING) == [{"job_ids": [job.pk]}]


def test_stranded_photo_is_served_before_all_others(user: User) -> None:
    job = _stranded(user)
    leases.jobs_sweep()
    assert _lease(job, "w2").queue == jobs.HOUSEKEEPING


@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_each_of_those_that_were_lost_together_by_itself(user: User, broker: Broker) -> None:
    lost = [_stranded(user) for _ in range(3)]
    leases.jobs_sweep()
    assert _published(broker, jobs.HOUSEKEEPING) == [{"job_ids": [job.pk]} for job in lost]

    broker.command("DEL", jobs.HOUSEKEEPING)  # and their messages after them
    for job in lost:
        _age(job, seconds=6)
    leases.jobs_sweep()
    assert _published(broker, jobs.HOUSEKEEPING) == [{"job_ids": [job.pk]} for job in lost]


@pytest.mark.django_db(transaction=True)
def test_sweep_leaves_a_live_lease_alone(user: User, broker: Broker) -> None:
    job = _job(user)
    _lease(job)
    _age(job, seconds=14)
    leases.jobs_sweep()
    assert _state(job) == State.RUNNING
    assert broker.length(jobs.INTERACTIVE) == 0


@pytest.mark.django_db(transaction=True)
def test_reclaiming_brings_back_what_a_worker_held_that_is_known_to_be_dead(user: User, broker: Broker) -> None:
    stranded, in_hand = _job(user), _job(user)
    _lease(stranded, "dead")
    _lease(in_hand, "alive")
    leases.leases_reclaim(is_dead=lambda worker: worker == "dead")
    assert (_state(stranded), _state(in_hand)) == (State.QUEUED, State.RUNNING)
    assert _published(broker, jobs.HOUSEKEEPING) == [{"job_ids": [stranded.pk]}]


def test_sweep_quarantines_what_no_worker_survives(job: CaptionJob) -> None:
    for _ in range(settings.LEASE_LIMIT):
        assert _state(job) == State.QUEUED
        _lease(job)
        _age(job, seconds=16)
        leases.jobs_sweep()
    assert _state(job) == State.QUARANTINED
    assert job.error_code == "no_result"
    assert job.finished_at is not None


@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_rows_that_no_message_stands_for(user: User, broker: Broker) -> None:
    waiting, bulk = _job(user), _job(user, lane="bulk")
    for job in (waiting, bulk):
        _age(job, seconds=60)
    leases.jobs_sweep()
    assert _published(broker, jobs.INTERACTIVE) == [{"job_ids": [waiting.pk]}]
    assert _published(broker, jobs.BULK) == [{"job_ids": [bulk.pk]}]


@pytest.mark.django_db(transaction=True)
def test_sweep_waits_for_the_message_of_a_new_row(user: User, broker: Broker) -> None:
    _job(user)
    leases.jobs_sweep()
    assert broker.length(jobs.INTERACTIVE) == 0


@pytest.mark.django_db(transaction=True)
def test_sweep_does_not_flood_a_queue_that_is_merely_long(user: User, broker: Broker) -> None:
    job = _job(user, lane="bulk")
    _age(job, seconds=60)
    jobs.caption_photos_enqueue([job.pk], queue=jobs.BULK)
    for _ in range(3):
        leases.jobs_sweep()
    assert broker.length(jobs.BULK) == 1


@pytest.mark.parametrize("state", [State.PAUSED, State.CANCELLED, State.FAILED, State.QUARANTINED, State.DONE])
@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_only_what_waits(user: User, broker: Broker, state: str) -> None:
    _age(_job(user, state=state), seconds=60)
    leases.jobs_sweep()
    assert broker.length(jobs.INTERACTIVE) == 0


@pytest.mark.django_db(transaction=True)
def test_sweep_without_a_broker_still_frees_leases(user: User) -> None:
    job = _job(user)
    _lease(job)
    _age(job, seconds=16)
    leases.jobs_sweep()
    assert _state(job) == State.QUEUED


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_the_same_moment_publish_once(user: User, broker: Broker) -> None:
    job = _job(user)
    _lease(job)
    _age(job, seconds=16)

    def sweep() -> None:
        leases.jobs_sweep()
        connection.close()

    _together([sweep] * 4)
    assert broker.length(jobs.HOUSEKEEPING) == 1


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_the_same_moment_publish_a_lost_bulk_once(user: User, broker: Broker) -> None:
    ids = [_job(user, lane="bulk").pk for _ in range(3 * jobs.CHUNK_SIZE)]
    CaptionJob.objects.update(queued_at=Now() - timedelta(seconds=60))

    def sweep() -> None:
        leases._unpublished_sweep(jobs.BULK)  # as it finds the queue before another has filled it
        connection.close()

    _together([sweep] * 4)
    assert [job_id for message in _published(broker, jobs.BULK) for job_id in message["job_ids"]] == ids


@pytest.mark.django_db(transaction=True)
def test_sweep_leaves_to_a_worker_what_it_has_just_taken(
    user: User, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = _job(user)
    _age(job, seconds=60)
    monkeypatch.setattr(leases, "TAKEN_SECONDS", 0.5)

    def lease() -> None:
        time.sleep(0.2)  # its message was taken before the sweep looked
        _lease(job)
        connection.close()

    def sweep() -> None:
        leases.jobs_sweep()
        connection.close()

    _together([lease, sweep])
    assert broker.length(jobs.INTERACTIVE) == 0


@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_again_what_is_lost_again(user: User, broker: Broker) -> None:
    job = _job(user)
    _age(job, seconds=60)
    for _ in range(2):
        leases.jobs_sweep()
        assert _published(broker, jobs.INTERACTIVE) == [{"job_ids": [job.pk]}]
        broker.command("FLUSHALL")
        _age(job, seconds=6)


@pytest.mark.django_db(transaction=True)
def test_sweep_has_a_batch_unpacked_that_nobody_unpacks_any_more(user: User, broker: Broker) -> None:
    batch = _unpacking(user, unpack_lease_expires_at=Now() - timedelta(seconds=1))
    leases.jobs_sweep()
    assert _published(broker, jobs.HOUSEKEEPING) == [{"batch_id": batch.pk}]


@pytest.mark.django_db(transaction=True)
def test_sweep_leaves_a_batch_alone_that_somebody_unpacks(user: User, broker: Broker) -> None:
    _unpacking(user, unpack_lease_expires_at=Now() + timedelta(seconds=10))
    leases.jobs_sweep()
    assert broker.length(jobs.INTERACTIVE) == broker.length(jobs.BULK) == 0


@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_a_batch_whose_message_was_lost(user: User, broker: Broker) -> None:
    batch = _unpacking(user)
    leases.jobs_sweep()
    assert _published(broker, jobs.HOUSEKEEPING) == [{"batch_id": batch.pk}]


@pytest.mark.django_db(transaction=True)
def test_sweep_publishes_a_candidate_whose_message_was_lost(model_version: ModelVersion, broker: Broker) -> None:
    ModelVersion.objects.update(created_at=Now() - timedelta(seconds=60))
    leases.jobs_sweep()
    assert _published(broker, jobs.INTERACTIVE) == [{"model_version_id": model_version.pk}]


def _unpacking(user: User, **values: object) -> Batch:
    batch = Batch.objects.create(owner=user, name="zip", source=Batch.Source.ZIP, state=Batch.State.UNPACKING, **values)
    Batch.objects.update(created_at=Now() - timedelta(seconds=60))
    return batch


def _together(calls: list[Callable[[], None]]) -> None:
    """Run all of them in threads that start at the same moment."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], None]) -> None:
        barrier.wait()
        call()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows")
@pytest.mark.django_db(transaction=True)
def test_jobs_are_requeued_in_the_order_in_which_leases_are_renewed(user: User) -> None:
    """Neither waits for the other with what that one waits for: whoever comes second has locked nothing yet."""
    first, second = _job(user), _job(user)
    CaptionJob.objects.filter(pk=first.pk).update(harm_count=0)  # the row moves behind the second one
    locked: list[int] = []

    def requeue() -> None:
        jobs_requeue(CaptionJob.objects.all(), lane=jobs.BULK)
        connection.close()

    with transaction.atomic():
        CaptionJob.objects.select_for_update().get(pk=first.pk)
        thread = threading.Thread(target=requeue)
        thread.start()
        wait_until(_waits_for_a_lock, what="its turn")
        locked += CaptionJob.objects.select_for_update(nowait=True).filter(pk=second.pk).values_list("pk", flat=True)
    thread.join()

    assert locked == [second.pk]
    assert set(CaptionJob.objects.values_list("lane", flat=True)) == {jobs.BULK}


def _waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor == "postgresql", reason="this is the run on PostgreSQL")
def test_leases_hold_on_postgresql_too() -> None:
    """All of this file once more, on a PostgreSQL server of the test's own."""
    with postgres() as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", __file__, "-q", "-p", "no:cacheprovider", "-m", "not slow"],
            env={**os.environ, "TEST_DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
