"""Brings back what was lost, from the rows alone: leases that ran out, and rows that no message stands for any more."""

import logging
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from webapp import jobs
from webapp.gallery.models import Batch, CaptionJob, ModelVersion
from webapp.gallery.selectors.caption_jobs import jobs_waiting
from webapp.gallery.services.clock import clock_follow
from webapp.gallery.services.leases import ENDED, UNPACK_LEASE_SECONDS, publish_on_commit

log = logging.getLogger(__name__)

SETTLED_SECONDS = 5  # a row that was queued or published more recently may still have its message on the way
TAKEN_SECONDS = 1.0  # a worker that has taken a message has the leases by then

State = CaptionJob.State


def jobs_sweep() -> None:
    """Bring back what was lost: every few seconds, by each worker, any number of them at a time."""
    _unpublished_sweep()  # before the others fill a queue: that it is empty tells that messages are lost
    clock_follow()  # at the last moment: a lease that only seems to have run out has its work done twice
    _long_leases_cut()
    _expired_leases_sweep()
    _batches_sweep()
    _others_sweep()


def leases_reclaim(*, is_dead: Callable[[str], bool]) -> None:
    """Bring back what workers have in hand that are known to be dead: that need not wait until its leases run out."""
    running = CaptionJob.objects.filter(state=State.RUNNING)
    dead = [worker for worker in running.values_list("worker", flat=True).distinct() if is_dead(worker)]
    with transaction.atomic():
        held = running.filter(worker__in=dead).order_by("id").select_for_update(skip_locked=True, of=("self",))
        ids = list(held.values_list("id", flat=True))
        CaptionJob.objects.filter(id__in=ids).update(lease_expires_at=Now() - timedelta(seconds=1))
    jobs_sweep()


def _long_leases_cut() -> None:
    """No lease lasts longer than one that is taken now. One that does is of another clock, and nobody may renew it."""
    held = CaptionJob.objects.filter(state__in=(State.QUEUED, State.RUNNING))
    _leases_cut(held, "lease_expires_at", seconds=settings.LEASE_SECONDS)
    _leases_cut(Batch.objects.all(), "unpack_lease_expires_at", seconds=UNPACK_LEASE_SECONDS)


def _leases_cut(rows: "QuerySet[Any]", name: str, *, seconds: float) -> None:
    end = Now() + timedelta(seconds=seconds)
    beyond = rows.filter(**{f"{name}__gt": end + timedelta(seconds=SETTLED_SECONDS)})
    if beyond.exists():  # found out without a lock
        with transaction.atomic():
            ids = list(beyond.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True))
            rows.filter(pk__in=ids).update(**{name: end})


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
            state=State.QUARANTINED, error_code="no_result", error_message=message, **ENDED
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
    """Rows that no message stands for, if their queue is empty: they are not so new that one may be on its way."""
    return jobs_waiting(queue).filter(_settled("queued_at"))


def _unpublished_sweep() -> None:
    lost = {queue for queue in _queues_empty() if _unpublished(queue).exists()}
    if lost:
        time.sleep(TAKEN_SECONDS)
        for queue in lost & _queues_empty():
            _unpublished_publish(queue)


def _unpublished_publish(queue: str) -> None:
    with transaction.atomic():
        lost = _unpublished(queue).select_for_update(skip_locked=True, of=("self",))
        _publish(lost.values_list("id", flat=True)[: jobs.PUBLISH_LIMIT], queue=queue)


def _others_sweep() -> None:
    """The same for zips and candidate models. Whoever has no room for a zip drops its message, so there is another one
    at each sweep, where it is taken at once."""
    empty = _queues_empty()
    if jobs.HOUSEKEEPING in empty:
        unleased = Q(state=Batch.State.UNPACKING, unpack_lease_expires_at=None)
        for batch_id in Batch.objects.filter(unleased, _settled("created_at")).values_list("id", flat=True):
            jobs.batch_unpack_enqueue(batch_id, queue=jobs.HOUSEKEEPING)
    if jobs.INTERACTIVE in empty:
        candidates = ModelVersion.objects.filter(_settled("created_at"), state=ModelVersion.State.CANDIDATE)
        for model_version_id in candidates.values_list("id", flat=True):
            jobs.model_verify_enqueue(model_version_id)


def _publish(job_ids: Iterable[int], *, queue: str) -> None:
    """They wait, and are published for once that is certain. A waiting row's lease is its message's: until it ends, no
    other sweep publishes for the row."""
    ids = list(job_ids)
    on_its_way = Now() + timedelta(seconds=SETTLED_SECONDS)
    CaptionJob.objects.filter(id__in=ids).update(state=State.QUEUED, lease_expires_at=on_its_way)
    publish_on_commit(ids, queue=queue)


def _settled(name: str) -> Q:
    """Whether that moment of a row is some seconds ago; or to come, as the clock was set back since."""
    some = timedelta(seconds=SETTLED_SECONDS)
    return ~Q(**{f"{name}__range": (Now() - some, Now() + some)})
