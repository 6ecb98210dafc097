"""Who works on which caption job: leases with fencing tokens, and the sweep that brings back what was lost.

A worker takes a lease on a row for some seconds and renews it while the row is in its hands. `token` rises with every
lease, and a write that names an older one is refused (M. Kleppmann, "How to do distributed locking", 2016). Whoever
dies, the row alone says what is to be done; time is the database's clock. Nothing slow happens inside a transaction.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from webapp import jobs
from webapp.gallery.errors import StaleLease
from webapp.gallery.models import Batch, Caption, CaptionJob, ModelVersion

log = logging.getLogger(__name__)

HARM_LIMIT = 2  # times a file may crash, hang or bloat its decoder
SETTLED_SECONDS = 5  # a row that was queued or published more recently may still have its message on the way
TAKEN_SECONDS = 1.0  # a worker that has taken a message has the leases by then
PUBLISH_LIMIT = 10_000  # rows that one sweep publishes for

State = CaptionJob.State
STRANDED = Q(lease_count__gt=0)  # workers died with these in hand: they have waited long enough
UNTIED = Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now())  # no message on its way, nor put off until later
SERVED = {  # by which queue
    jobs.HOUSEKEEPING: STRANDED,
    jobs.INTERACTIVE: ~STRANDED & Q(lane=CaptionJob.Lane.INTERACTIVE),
    jobs.BULK: ~STRANDED & Q(lane=CaptionJob.Lane.BULK),
}


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
        along: if people wait for these, so many others at most for which people wait too: a micro-batch takes all of
            them in the time of a few, and a transaction in that of one. Their own messages find nothing to do.
        hands: of this worker, among which those others are shared, so that few have to wait for one whose file hangs.
    """
    # The state is looked at here: asked for it too, SQLite reads the index of all rows that wait.
    if State.QUEUED not in CaptionJob.objects.filter(id__in=job_ids).values_list("state", flat=True):
        return []  # found out without a lock
    with transaction.atomic():
        free = _unlocked().filter(id__in=job_ids).order_by("id")
        taken = [job for job in free if job.state == State.QUEUED]
        if along and {(_queue(job), job.harm_count) for job in taken} == {(jobs.INTERACTIVE, 0)}:
            taken += _share(_unlocked().exclude(id__in=job_ids), most=along, hands=hands)
        return _take(taken, worker=worker)


def waiting_lease(*, worker: str, most: int, hands: int) -> list[Lease]:
    """Take the leases of a hand's share of the photos for which people wait, one at least if there is one.

    Who had such photos in hand takes the next ones without a message: see `services.waiting`.
    """
    if not waiting(CaptionJob.objects.all()).exists():
        return []  # found out without a lock
    with transaction.atomic():
        return _take(_share(_unlocked(), most=most, hands=hands) or waiting(_unlocked())[:1], worker=worker)


def waiting(rows: "QuerySet[CaptionJob]") -> "QuerySet[CaptionJob]":
    """Those for which people wait and that nobody has put off, harmful ones apart: these are tried by themselves."""
    return rows.filter(SERVED[jobs.INTERACTIVE], UNTIED, state=State.QUEUED, harm_count=0).order_by("queued_at")


def leases_renew(*, leases: Sequence[Lease]) -> list[Lease]:
    """Renew what is in hand, and return what is not any more: taken over, or its photo deleted."""
    with transaction.atomic():
        held, lost = _held_and_lost(leases)
        CaptionJob.objects.filter(id__in=[lease.job_id for lease in held]).update(lease_expires_at=_lease_end())
    return lost


def captions_record(*, captions: Mapping[Lease, dict[str, Any]], model_version_id: int) -> list[Lease]:
    """Store captions (the fields of `Caption`) and end their jobs, all in one transaction.

    Returns the leases that are lost: somebody else has those jobs now, and nothing was stored for them. A second
    caption by the same model version is dropped.
    """
    with transaction.atomic():
        held, lost = _held_and_lost(captions)
        CaptionJob.objects.filter(id__in=[lease.job_id for lease in held]).update(
            state=State.DONE, lease_count=0, harm_count=0, error_code="", error_message="", **_ENDED
        )
        rows = [
            Caption(photo_id=lease.photo_id, model_version_id=model_version_id, **captions[lease]) for lease in held
        ]
        Caption.objects.bulk_create(rows, ignore_conflicts=True)
    return lost


def job_fail(*, lease: Lease, code: str, message: str) -> None:
    """The photo cannot be captioned: its owner is told why. Raises StaleLease."""
    _write(lease, state=State.FAILED, error_code=code, error_message=message, **_ENDED)


def job_harm(*, lease: Lease, reason: str) -> None:
    """The file crashed, hung or bloated its decoder: tried once more by itself, then quarantined. Raises StaleLease."""
    with transaction.atomic():
        counts = {"harm_count": F("harm_count") + 1, "lease_count": F("lease_count") - 1}  # harm is a result
        _write(lease, state=State.QUEUED, lease_expires_at=None, **counts)
        harmful = CaptionJob.objects.filter(id=lease.job_id, harm_count__gte=HARM_LIMIT)
        message = f"Opening this file {reason}, {HARM_LIMIT} times. Convert it to JPEG or PNG and upload it again."
        if not harmful.update(state=State.QUARANTINED, error_code="harmful", error_message=message, **_ENDED):
            _publish_on_commit([lease.job_id], queue=lease.queue)


def jobs_release(*, leases: Sequence[Lease], later: bool = False) -> list[Lease]:
    """Give jobs back untouched, such as when the worker is told to end. Returns the leases that are lost.

    Args:
        later: nobody could do anything with them now, such as where the disk is full: the sweep has them tried again
            once a lease would have run out.
    """
    with transaction.atomic():
        held, lost = _held_and_lost(leases)
        CaptionJob.objects.filter(id__in=[lease.job_id for lease in held]).update(
            state=State.QUEUED, lease_count=F("lease_count") - 1, lease_expires_at=_lease_end() if later else None
        )
        for queue in () if later else {lease.queue for lease in held}:
            _publish_on_commit([lease.job_id for lease in held if lease.queue == queue], queue=queue)
    return lost


def leases_reclaim(*, is_dead: Callable[[str], bool]) -> None:
    """Bring back what workers have in hand that are known to be dead: that need not wait until its leases run out."""
    running = CaptionJob.objects.filter(state=State.RUNNING)
    dead = [worker for worker in running.values_list("worker", flat=True).distinct() if is_dead(worker)]
    running.filter(worker__in=dead).update(lease_expires_at=Now() - timedelta(seconds=1))
    jobs_sweep()


def jobs_sweep() -> None:
    """Bring back what was lost: every few seconds, by any worker, any number of them at a time."""
    _expired_leases_sweep()
    _batches_sweep()
    empty = _queues_empty()
    _others_sweep(empty)
    lost = {queue for queue in empty & SERVED.keys() if _unpublished(queue).exists()}
    if lost:
        time.sleep(TAKEN_SECONDS)
        for queue in lost & _queues_empty():
            _unpublished_sweep(queue)


def _expired_leases_sweep() -> None:
    """Nobody has these in hand any more."""
    with transaction.atomic():
        expired = CaptionJob.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            state=State.RUNNING, lease_expires_at__lt=Now()
        )
        counts = dict(expired.order_by("id").values_list("id", "lease_count"))
        hopeless = [job_id for job_id, count in counts.items() if count >= settings.LEASE_LIMIT]
        message = f"{settings.LEASE_LIMIT} workers in turn ended with this photo in hand. Retry it, or see their logs."
        CaptionJob.objects.filter(id__in=hopeless).update(
            state=State.QUARANTINED, error_code="no_result", error_message=message, **_ENDED
        )
        lost = [job_id for job_id in counts if job_id not in hopeless]
        _publish(lost, queue=jobs.HOUSEKEEPING)
    if counts:
        log.warning(
            "%d leases ran out; %d photos are tried again, %d quarantined", len(counts), len(lost), len(hopeless)
        )


def _batches_sweep() -> None:
    """Nobody unpacks these any more."""
    for batch in Batch.objects.filter(state=Batch.State.UNPACKING, unpack_lease_expires_at__lt=Now()):
        lost = Batch.objects.filter(id=batch.id, unpack_lease_expires_at=batch.unpack_lease_expires_at)
        if lost.update(unpack_lease_expires_at=None):
            jobs.batch_unpack_enqueue(batch.id, queue=jobs.HOUSEKEEPING)


def _queues_empty() -> set[str]:
    """None where the broker is away, and so is the purpose of publishing."""
    return {queue for queue, length in (jobs.queue_lengths() or {}).items() if length == 0}


def _unpublished(queue: str) -> "QuerySet[CaptionJob]":
    """Rows that no message stands for, if their queue is empty: none of them is so new that one is on its way."""
    settled = Now() - timedelta(seconds=SETTLED_SECONDS)
    return CaptionJob.objects.filter(SERVED[queue], UNTIED, state=State.QUEUED, queued_at__lt=settled)


def _unpublished_sweep(queue: str) -> None:
    with transaction.atomic():
        waiting = _unpublished(queue).select_for_update(skip_locked=True, of=("self",)).order_by("queued_at")
        _publish(waiting.values_list("id", flat=True)[:PUBLISH_LIMIT], queue=queue)


def _others_sweep(empty: set[str]) -> None:
    """The same for zips and candidate models. Whoever has no room for a zip drops its message, so there is another one
    at each sweep, where it is taken at once."""
    settled = Now() - timedelta(seconds=SETTLED_SECONDS)
    if jobs.HOUSEKEEPING in empty:
        unleased = Q(state=Batch.State.UNPACKING, unpack_lease_expires_at=None, created_at__lt=settled)
        for batch_id in Batch.objects.filter(unleased).values_list("id", flat=True):
            jobs.batch_unpack_enqueue(batch_id, queue=jobs.HOUSEKEEPING)
    if jobs.INTERACTIVE in empty:
        candidates = ModelVersion.objects.filter(state=ModelVersion.State.CANDIDATE, created_at__lt=settled)
        for model_version_id in candidates.values_list("id", flat=True):
            jobs.model_verify_enqueue(model_version_id)


def _publish(job_ids: Iterable[int], *, queue: str) -> None:
    """They wait, and are published for once that is certain. A waiting row's lease is its message's: until it ends, no
    other sweep publishes for the row."""
    ids = list(job_ids)
    on_its_way = Now() + timedelta(seconds=SETTLED_SECONDS)
    CaptionJob.objects.filter(id__in=ids).update(state=State.QUEUED, lease_expires_at=on_its_way)
    _publish_on_commit(ids, queue=queue)


_ENDED: dict[str, Any] = {"finished_at": Now(), "lease_expires_at": None}


def _share(rows: "QuerySet[CaptionJob]", *, most: int, hands: int) -> "QuerySet[CaptionJob]":
    free = waiting(rows)
    return free[: free.order_by().values("id")[: most * hands].count() // hands]


def _unlocked() -> "QuerySet[CaptionJob]":
    return CaptionJob.objects.select_for_update(skip_locked=True, of=("self",)).select_related("photo")


def _take(taken: Iterable[CaptionJob], *, worker: str) -> list[Lease]:
    taken = list(taken)
    CaptionJob.objects.filter(id__in=[job.id for job in taken]).update(
        state=State.RUNNING,
        worker=worker,
        token=F("token") + 1,
        lease_count=F("lease_count") + 1,
        lease_expires_at=_lease_end(),
        started_at=Now(),
    )
    return [_lease(job) for job in taken]


def _lease(job: CaptionJob) -> Lease:
    return Lease(job.id, job.photo_id, job.token + 1, _queue(job), settings.MEDIA_ROOT / job.photo.original)


def _queue(job: CaptionJob) -> str:
    return jobs.HOUSEKEEPING if job.lease_count else job.lane  # see STRANDED


def _lease_end() -> Any:
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)


def _held_and_lost(leases: Iterable[Lease]) -> tuple[list[Lease], list[Lease]]:
    """Which of them still stand, locked until the transaction ends, and which do not."""
    running = CaptionJob.objects.select_for_update(of=("self",)).filter(
        id__in=[lease.job_id for lease in leases], state=State.RUNNING
    )
    tokens = dict(running.order_by("id").values_list("id", "token"))
    held: list[Lease] = []
    lost: list[Lease] = []
    for lease in leases:
        (held if tokens.get(lease.job_id) == lease.token else lost).append(lease)
    return held, lost


def _held(lease: Lease) -> "QuerySet[CaptionJob]":
    return CaptionJob.objects.filter(id=lease.job_id, token=lease.token, state=State.RUNNING)


def _write(lease: Lease, **values: Any) -> None:
    if not _held(lease).update(**values):
        raise StaleLease("stale_lease", f"job {lease.job_id} is no longer held with token {lease.token}")


def _publish_on_commit(job_ids: Sequence[int], *, queue: str) -> None:
    transaction.on_commit(partial(jobs.caption_photos_enqueue, job_ids, queue=queue))
