from collections.abc import Callable

import pytest

from tests.brokers import Broker
from tests.webapp.job_rows import job_lease, job_make, published, state_of
from webapp import jobs
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob
from webapp.captioning.services.quarantine import job_harm

State = CaptionJob.State


@pytest.fixture
def job(user: User) -> CaptionJob:
    return job_make(user)


def test_job_harm_gives_a_second_try_alone(
    job: CaptionJob, broker: Broker, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        job_harm(lease=job_lease(job), reason="ended its process (SIGSEGV)")
    assert state_of(job) == State.QUEUED
    assert job.lease_count == 0  # no worker died of it
    assert published(broker, jobs.INTERACTIVE) == [{"job_ids": [job.pk]}]


def test_job_harm_quarantines_the_second_time(job: CaptionJob) -> None:
    for _ in range(2):
        job_harm(lease=job_lease(job), reason="took longer than 20 s")
    assert state_of(job) == State.QUARANTINED
    assert job.error_code == "harmful"
    assert "took longer than 20 s" in job.error_message
    assert job.finished_at is not None
