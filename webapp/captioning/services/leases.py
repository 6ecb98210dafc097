"""Who works on which caption job: leases with fencing tokens. What is lost with its holder, the sweep brings back.

A worker takes a lease on a row for some seconds and renews it while the row is in its hands. `token` rises with every
lease, and a write that names an older one is refused (M. Kleppmann, "How to do distributed locking", 2016). Whoever
dies, the row alone says what is to be done; time is the database's clock. Nothing slow happens inside a transaction.
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
    """The right to write the result of one job, as long as nobody else has taken it over."""

    job_id: int
    photo_id: int
    token: int
    queue: str  # in which it is served
    path: Path  # of the original


def jobs_lease(*, job_ids: Sequence[int], worker: str, along: int = 0, hands: int = 1) -> list[Lease]:
    """Take the leases of those jobs that wait. Others are in other hands, done, paused or gone, and are left alone.

    Args:
        along: where people wait for these jobs, take so many others at most for which people wait too: a micro-batch
            captions all in the time of a few, and one transaction takes them. Their own messages find nothing to do.
        hands: how many tasks this worker runs at a time; the others are shared among them, so that few have to wait
            for one whose file hangs.
    """
    # The state is looked at here: asked for it too, SQLite reads the index of all rows that wait.
    if State.QUEUED not in CaptionJob.objects.filter(id__in=job_ids).values_list("state", flat=True):
        return []  # found out without a lock
    with transaction.atomic():
        free = _locked(CaptionJob.objects.filter(id__in=job_ids).order_by("id"))
        taken = [job for job in free if job.state == State.QUEUED]
        if along and {(queue_of(job), job.harm_count) for job in taken} == {(jobs.INTERACTIVE, 0)}:
            taken += _share(jobs_people_wait_for().exclude(id__in=job_ids), most=along, hands=hands)
        return _take(taken, worker=worker)


def waiting_lease(*, worker: str, most: int, hands: int) -> list[Lease]:
    """Take the leases of a hand's share of the photos for which people wait, one at least if there is one.

    Who had such photos in hand takes the next ones without a message: see `services.waiting`.
    """
    waiting = jobs_people_wait_for()
    if not waiting.exists():
        return []  # found out without a lock
    with transaction.atomic():
        return _take(_share(waiting, most=most, hands=hands) or _locked(waiting[:1]), worker=worker)


def leases_renew(*, leases: Sequence[Lease]) -> list[Lease]:
    """Renew what is in hand, and return what is not any more: taken over, or its photo deleted."""
    with transaction.atomic():
        _, lost = _write(leases, lease_expires_at=_lease_end())
    return lost


def captions_record(*, captions: Mapping[Lease, dict[str, Any]], model_version_id: int) -> list[Lease]:
    """Store captions (the fields of `Caption`), end their jobs and settle the photos' texts, all in one transaction.

    Returns the leases that are lost: somebody else has those jobs now, and nothing was stored for them. A second
    caption by the same model version is dropped.
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
    """The photo cannot be captioned: its owner is told why. Raises StaleLease."""
    with transaction.atomic():
        lease_write(lease, state=State.FAILED, error_code=code, error_message=message, **ENDED)


def jobs_release(*, leases: Sequence[Lease], later: bool = False) -> list[Lease]:
    """Give jobs back untouched, such as when the worker is told to end. Returns the leases that are lost.

    Args:
        later: nobody could do anything with them now, such as where the disk is full: the sweep has them tried again
            once a lease would have run out.
    """
    with transaction.atomic():
        back = {"state": State.QUEUED, "lease_count": F("lease_count") - 1}
        held, lost = _write(leases, lease_expires_at=_lease_end() if later else None, **back)
        for queue in () if later else {lease.queue for lease in held}:
            publish_on_commit([lease.job_id for lease in held if lease.queue == queue], queue=queue)
    return lost


def _share(waiting: "QuerySet[CaptionJob]", *, most: int, hands: int) -> "QuerySet[CaptionJob]":
    """One of several hands' part of those that wait, `most` at most, locked."""
    return _locked(waiting[: waiting.order_by().values("id")[: most * hands].count() // hands])


def _locked(rows: "QuerySet[CaptionJob]") -> "QuerySet[CaptionJob]":
    """With their photos, until the transaction ends; without those that somebody else has locked."""
    return rows.select_for_update(skip_locked=True, of=("self",)).select_related("photo")


def _take(taken: Iterable[CaptionJob], *, worker: str) -> list[Lease]:
    """The leases of rows that wait and that this transaction has locked."""
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
    """Where the lease still stands. Returns those that do, their rows locked until the transaction ends, and those that
    are lost."""
    running = CaptionJob.objects.select_for_update(of=("self",)).filter(
        id__in=[lease.job_id for lease in leases], state=State.RUNNING
    )
    tokens = dict(running.order_by("id").values_list("id", "token"))
    held = [lease for lease in leases if tokens.get(lease.job_id) == lease.token]
    lost = [lease for lease in leases if tokens.get(lease.job_id) != lease.token]
    CaptionJob.objects.filter(id__in=[lease.job_id for lease in held]).update(**values)
    return held, lost


def lease_write(lease: Lease, **values: Any) -> None:
    """Writes columns of a job that this lease still holds, in the transaction around. Raises StaleLease."""
    _, lost = _write([lease], **values)
    if lost:
        raise StaleLease("stale_lease", f"job {lease.job_id} is no longer held with token {lease.token}")


def publish_on_commit(job_ids: Sequence[int], *, queue: str) -> None:
    transaction.on_commit(partial(jobs.caption_photos_enqueue, job_ids, queue=queue))
