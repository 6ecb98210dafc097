"""Leases on caption jobs, with fencing tokens. If a worker dies, the sweep puts its jobs back.

A worker takes a lease on a job for some seconds, and renews it while it works on the job. `token` rises with every
lease. A write with an older token is refused (M. Kleppmann, "How to do distributed locking", 2016). All state is in the
row, and all times are of the database's clock. Nothing slow happens inside a transaction.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from webapp import jobs
from webapp.captioning.errors import StaleLease
from webapp.captioning.models import Caption, CaptionJob
from webapp.captioning.selectors.caption_jobs import jobs_people_wait_for, queue_of
from webapp.captioning.services.texts import texts_settle

State = CaptionJob.State
ENDED: dict[str, Any] = {"finished_at": Now(), "lease_expires_at": None}


@dataclass(frozen=True)
class Lease:
    """The right to write the result of one job, until another worker takes the job over."""

    job_id: int
    photo_id: int
    token: int
    queue: str  # that serves the job
    path: Path  # of the original


def jobs_lease(*, job_ids: Sequence[int], worker: str, along: int = 0, hands: int = 1) -> list[Lease]:
    """Take the leases of the waiting jobs among these. Jobs that are running, done, paused or deleted are skipped.

    Args:
        along: for interactive jobs, also take up to this many other interactive jobs. One transaction takes them all,
            and a micro-batch captions many in the time of a few. Their own messages then find nothing to do.
        hands: tasks that this worker runs at a time. They share the other jobs, so a file that hangs delays only few.
    """
    # The state is compared here. With a filter by state, SQLite would read the index of all waiting rows.
    if State.QUEUED not in CaptionJob.objects.filter(id__in=job_ids).values_list("state", flat=True):
        return []  # without taking a lock
    with transaction.atomic():
        free = _locked(CaptionJob.objects.filter(id__in=job_ids).order_by("id"))
        taken = [job for job in free if job.state == State.QUEUED]
        if along and {(queue_of(job), job.harm_count) for job in taken} == {(jobs.INTERACTIVE, 0)}:
            taken += _share(jobs_people_wait_for().exclude(id__in=job_ids), most=along, hands=hands)
        return _take(taken, worker=worker)


def waiting_lease(*, worker: str, most: int, hands: int) -> list[Lease]:
    """Take one task's share of the waiting interactive photos, at least one if any waits.

    A task that captioned such photos takes the next ones without a message: see `services.unsent_messages`.
    """
    waiting = jobs_people_wait_for()
    if not waiting.exists():
        return []  # without taking a lock
    with transaction.atomic():
        return _take(_share(waiting, most=most, hands=hands) or _locked(waiting[:1]), worker=worker)


def leases_renew(*, leases: Sequence[Lease]) -> list[Lease]:
    """Renew leases. Returns the lost ones: taken over, or the photo was deleted."""
    with transaction.atomic():
        _, lost = _write(leases, lease_expires_at=_lease_end())
    return lost


def captions_record(*, captions: Mapping[Lease, dict[str, Any]], model_version_id: int) -> list[Lease]:
    """Store captions (fields of `Caption`), end their jobs and update the photos' texts, in one transaction.

    Returns the lost leases: other workers have those jobs now, and nothing was stored for them. A second caption by
    the same model version is dropped.
    """
    with transaction.atomic():
        held, lost = _write(
            captions, state=State.DONE, lease_count=0, harm_count=0, error_code="", error_message="", **ENDED
        )
        rows = [
            Caption(photo_id=lease.photo_id, model_version_id=model_version_id, **captions[lease]) for lease in held
        ]
        Caption.objects.bulk_create(rows, ignore_conflicts=True)
        texts_settle(lease.photo_id for lease in held)
    return lost


def job_fail(*, lease: Lease, code: str, message: str) -> None:
    """The photo cannot be captioned; `message` tells its owner why. Raises StaleLease."""
    with transaction.atomic():
        lease_write(lease, state=State.FAILED, error_code=code, error_message=message, **ENDED)


def jobs_release(*, leases: Sequence[Lease], later: bool = False) -> list[Lease]:
    """Give jobs back without a result, for example when the worker is told to end. Returns the lost leases.

    Args:
        later: no worker can do the jobs now, for example because the disk is full. The sweep publishes them once a
            lease would have run out.
    """
    with transaction.atomic():
        back = {"state": State.QUEUED, "lease_count": F("lease_count") - 1}
        held, lost = _write(leases, lease_expires_at=_lease_end() if later else None, **back)
        for queue in () if later else {lease.queue for lease in held}:
            publish_on_commit([lease.job_id for lease in held if lease.queue == queue], queue=queue)
    return lost


def _share(waiting: "QuerySet[CaptionJob]", *, most: int, hands: int) -> "QuerySet[CaptionJob]":
    """One task's share of the waiting jobs, `most` at most, locked."""
    return _locked(waiting[: waiting.order_by().values("id")[: most * hands].count() // hands])


def _locked(rows: "QuerySet[CaptionJob]") -> "QuerySet[CaptionJob]":
    """Locks the rows until the transaction ends, and skips rows that others have locked. With their photos."""
    return rows.select_for_update(skip_locked=True, of=("self",)).select_related("photo")


def _take(taken: Iterable[CaptionJob], *, worker: str) -> list[Lease]:
    """Take the leases of waiting rows that this transaction has locked."""
    taken = list(taken)
    CaptionJob.objects.filter(id__in=[job.id for job in taken]).update(
        state=State.RUNNING,
        worker=worker,
        token=F("token") + 1,
        lease_count=F("lease_count") + 1,
        lease_expires_at=_lease_end(),
        started_at=Now(),
    )
    return [
        Lease(job.id, job.photo_id, job.token + 1, queue_of(job), settings.MEDIA_ROOT / job.photo.original)
        for job in taken
    ]


def _lease_end() -> Any:
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)


def _write(leases: Collection[Lease], **values: Any) -> tuple[list[Lease], list[Lease]]:
    """Write columns of the jobs whose lease is still held. Returns the held leases, with their rows locked until the
    transaction ends, and the lost leases."""
    running = CaptionJob.objects.select_for_update(of=("self",)).filter(
        id__in=[lease.job_id for lease in leases], state=State.RUNNING
    )
    tokens = dict(running.order_by("id").values_list("id", "token"))
    held = [lease for lease in leases if tokens.get(lease.job_id) == lease.token]
    lost = [lease for lease in leases if tokens.get(lease.job_id) != lease.token]
    CaptionJob.objects.filter(id__in=[lease.job_id for lease in held]).update(**values)
    return held, lost


def lease_write(lease: Lease, **values: Any) -> None:
    """Write columns of a job, in the caller's transaction. Raises StaleLease if the lease is lost."""
    _, lost = _write([lease], **values)
    if lost:
        raise StaleLease("stale_lease", f"job {lease.job_id} is no longer held with token {lease.token}")


def publish_on_commit(job_ids: Sequence[int], *, queue: str) -> None:
    transaction.on_commit(partial(jobs.caption_photos_enqueue, job_ids, queue=queue))
