"""Caption jobs as rows, for the tests of leases and sweep. Time passes by moving the rows' own times into the past."""

import base64
import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import F

from tests.brokers import Broker
from tests.webapp.rows import photo_make
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob
from webapp.captioning.services.leases import Lease, jobs_lease


def job_make(user: User, **values: Any) -> CaptionJob:
    return photo_make(user, **values).job


def job_lease(job: CaptionJob, worker: str = "w1") -> Lease:
    (lease,) = jobs_lease(job_ids=[job.pk], worker=worker)
    return lease


def job_age(job: CaptionJob, *, seconds: float) -> None:
    """Let time pass for one row."""
    past = timedelta(seconds=seconds)
    CaptionJob.objects.filter(pk=job.pk).update(
        queued_at=F("queued_at") - past, lease_expires_at=F("lease_expires_at") - past
    )


def job_stranded(user: User) -> CaptionJob:
    """Of a bulk, in the hands of a worker that is dead."""
    job = job_make(user, lane="bulk")
    job_lease(job)
    job_age(job, seconds=16)
    return job


def state_of(job: CaptionJob) -> str:
    job.refresh_from_db()
    return job.state


def published(broker: Broker, queue: str) -> list[dict[str, Any]]:
    """What the messages of a queue say, the oldest first."""
    answers = broker.command("LRANGE", queue, "0", "-1").split(b"\r\n")
    envelopes = [json.loads(line) for line in answers if line.startswith(b"{")]
    return [json.loads(base64.b64decode(envelope["body"]))[1] for envelope in reversed(envelopes)]


def together(calls: list[Callable[[], None]]) -> None:
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
