"""The lease algorithm, on a real database."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from tests.brokers import Broker
from tests.webapp.job_rows import job_age, job_lease, job_make, published, state_of, together
from tests.webapp.rows import model_version_make
from webapp import jobs
from webapp.accounts.models import User
from webapp.captioning.errors import StaleLease
from webapp.captioning.models import Caption, CaptionJob, ModelVersion
from webapp.captioning.services import leases
from webapp.captioning.services.leases import Lease
from webapp.captioning.services.quarantine import job_harm
from webapp.photos.models import Photo
from webapp.upkeep.services.lost_work_sweep import sweep

State = CaptionJob.State

FIELDS = {
    "text": "A dog runs.",
    "confidence": 0.5,
    "words": [{"text": "a", "log_probability": -0.1}],
    "decode_ms": 1.0,
    "wait_ms": 2.0,
    "model_ms": 3.0,
}


@pytest.fixture
def job(user: User) -> CaptionJob:
    return job_make(user)


@pytest.fixture
def model_version(db: None) -> ModelVersion:
    return model_version_make()


# --- Taking and renewing ----------------------------------------------------------------------------------------------


def test_lease_takes_a_waiting_job(job: CaptionJob) -> None:
    lease = job_lease(job)
    assert (lease.job_id, lease.photo_id, lease.token, lease.queue) == (job.pk, job.photo_id, 1, "interactive")
    assert lease.path == settings.MEDIA_ROOT / job.photo.original
    assert state_of(job) == State.RUNNING
    assert (job.worker, job.lease_count, job.token) == ("w1", 1, 1)


def test_lease_runs_out_after_its_seconds_by_the_databases_clock(job: CaptionJob) -> None:
    job_lease(job)
    now = CaptionJob.objects.annotate(now=Now()).values_list("now", flat=True).get(pk=job.pk)
    job.refresh_from_db()
    assert job.lease_expires_at is not None
    assert abs((job.lease_expires_at - now).total_seconds() - settings.LEASE_SECONDS) < 2


@pytest.mark.parametrize("state", [state for state in State if state != State.QUEUED])
def test_lease_leaves_a_job_alone_that_does_not_wait(user: User, state: str) -> None:
    job = job_make(user, state=state)
    assert leases.jobs_lease(job_ids=[job.pk], worker="w1") == []
    assert state_of(job) == state


def test_lease_of_a_job_that_is_gone_is_none(db: None) -> None:
    assert leases.jobs_lease(job_ids=[404], worker="w1") == []


@pytest.mark.django_db(transaction=True)
def test_lease_goes_to_one_of_many_workers(user: User) -> None:
    ids = [job_make(user).pk for _ in range(20)]
    taken: list[int] = []

    def take(worker: str) -> None:
        taken.extend(lease.job_id for lease in leases.jobs_lease(job_ids=ids, worker=worker))
        connection.close()

    together([lambda name=f"w{number}": take(name) for number in range(8)])  # type: ignore[misc]
    assert sorted(taken) == ids


def test_renewal_extends_a_lease(job: CaptionJob) -> None:
    lease = job_lease(job)
    job_age(job, seconds=10)
    assert leases.leases_renew(leases=[lease]) == []
    job_age(job, seconds=10)
    sweep()
    assert state_of(job) == State.RUNNING


def test_renewal_names_the_leases_that_are_lost(user: User) -> None:
    kept, lost, deleted = (job_lease(job_make(user)) for _ in range(3))
    CaptionJob.objects.filter(pk=lost.job_id).update(token=F("token") + 1)
    Photo.objects.filter(pk=deleted.photo_id).delete()
    assert leases.leases_renew(leases=[kept, lost, deleted]) == [lost, deleted]


# --- Ending -----------------------------------------------------------------------------------------------------------


def _record(lease: Lease, model_version: ModelVersion, **fields: Any) -> bool:
    """Whether the caption was stored."""
    return not leases.captions_record(captions={lease: FIELDS | fields}, model_version_id=model_version.pk)


def test_captions_record_stores_the_caption_and_ends_the_job(job: CaptionJob, model_version: ModelVersion) -> None:
    assert _record(job_lease(job), model_version)
    caption = Caption.objects.get(photo=job.photo_id)
    assert (caption.text, caption.model_version_id) == ("A dog runs.", model_version.pk)
    assert state_of(job) == State.DONE
    assert job.finished_at is not None
    assert job.lease_count == 0


def test_captions_record_forgives_what_was_counted_before(job: CaptionJob, model_version: ModelVersion) -> None:
    CaptionJob.objects.update(harm_count=1, lease_count=2)
    assert _record(job_lease(job), model_version)
    job.refresh_from_db()
    assert (job.state, job.harm_count, job.lease_count) == (State.DONE, 0, 0)


def test_captions_record_refuses_a_stale_token(job: CaptionJob, model_version: ModelVersion) -> None:
    former = job_lease(job, "w1")
    job_age(job, seconds=16)
    sweep()
    job_lease(job, "w2")
    assert not _record(former, model_version)
    assert not Caption.objects.exists()
    assert state_of(job) == State.RUNNING


def test_captions_record_refuses_a_second_result(job: CaptionJob, model_version: ModelVersion) -> None:
    lease = job_lease(job)
    assert _record(lease, model_version)
    assert not _record(lease, model_version)


def test_captions_record_keeps_the_first_caption_of_a_model_version(
    job: CaptionJob, model_version: ModelVersion
) -> None:
    for text in ("first", "second"):
        assert _record(job_lease(job), model_version, text=text)
        CaptionJob.objects.update(state=State.QUEUED)
    assert Caption.objects.get(photo=job.photo_id).text == "first"


def test_captions_record_after_the_photo_was_deleted_stores_nothing(
    job: CaptionJob, model_version: ModelVersion
) -> None:
    lease = job_lease(job)
    Photo.objects.all().delete()
    assert not _record(lease, model_version)
    assert not Caption.objects.exists()


def test_captions_record_stores_those_of_a_chunk_that_are_still_held(user: User, model_version: ModelVersion) -> None:
    kept, lost, also_kept = (job_lease(job_make(user)) for _ in range(3))
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
        captions = {job_lease(job_make(user)): FIELDS for _ in range(count)}
        with django_assert_num_queries(8):  # rows, jobs, captions; three for the texts; two ends of the transaction
            leases.captions_record(captions=captions, model_version_id=model_version.pk)


def test_job_fail_tells_why(job: CaptionJob) -> None:
    leases.job_fail(lease=job_lease(job), code="truncated", message="The file ends too early.")
    assert state_of(job) == State.FAILED
    assert (job.error_code, job.error_message) == ("truncated", "The file ends too early.")
    assert job.finished_at is not None


def test_jobs_release_gives_the_job_back_uncounted(
    job: CaptionJob, broker: Broker, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        assert not leases.jobs_release(leases=[job_lease(job)])
    assert state_of(job) == State.QUEUED
    assert job.lease_count == 0
    assert published(broker, jobs.INTERACTIVE) == [{"job_ids": [job.pk]}]


def test_jobs_release_tells_workers_once_of_each_lane(
    user: User, broker: Broker, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    waiting = [job_make(user), job_make(user, lane="bulk"), job_make(user, lane="bulk")]
    held = leases.jobs_lease(job_ids=[job.pk for job in waiting], worker="w")
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        leases.jobs_release(leases=held)
    assert published(broker, jobs.INTERACTIVE) == [{"job_ids": [waiting[0].pk]}]
    assert published(broker, jobs.BULK) == [{"job_ids": [waiting[1].pk, waiting[2].pk]}]


def test_jobs_release_leaves_a_job_in_other_hands_alone(job: CaptionJob) -> None:
    lease = job_lease(job)
    CaptionJob.objects.update(token=F("token") + 1)
    assert leases.jobs_release(leases=[lease]) == [lease]
    assert state_of(job) == State.RUNNING


@pytest.mark.parametrize(
    "end",
    [
        lambda lease: leases.job_fail(lease=lease, code="empty", message=""),
        lambda lease: job_harm(lease=lease, reason=""),
    ],
    ids=["fail", "harm"],
)
def test_stale_lease_ends_nothing(job: CaptionJob, end: Callable[[Lease], None]) -> None:
    lease = job_lease(job)
    CaptionJob.objects.update(token=F("token") + 1)
    with pytest.raises(StaleLease):
        end(lease)
    assert state_of(job) == State.RUNNING


@pytest.mark.django_db(transaction=True)
def test_caption_is_written_once_by_many_late_workers(user: User, model_version: ModelVersion) -> None:
    job = job_make(user)
    held = []
    for number in range(6):
        held.append(job_lease(job, f"w{number}"))
        CaptionJob.objects.update(state=State.QUEUED)
    CaptionJob.objects.update(state=State.RUNNING)
    refused: list[Lease] = []

    def record(lease: Lease) -> None:
        try:
            if not _record(lease, model_version):
                refused.append(lease)
        finally:
            connection.close()

    together([lambda lease=lease: record(lease) for lease in held])  # type: ignore[misc]
    assert len(refused) == 5
    assert Caption.objects.count() == 1
