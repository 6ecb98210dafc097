"""Brings back lost jobs, from the rows alone: leases that ran out, and rows that no message stands for any more."""

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
from webapp.captioning.models import CaptionJob, ModelVersion
from webapp.captioning.selectors.caption_jobs import jobs_waiting
from webapp.captioning.services.leases import ENDED, publish_on_commit

log = logging.getLogger(__name__)

SETTLED_SECONDS = 5  # a row that was queued or published more recently may still have its message on the way
TAKEN_SECONDS = 1.0  # a worker that has taken a message has the leases by then

State = CaptionJob.State


def jobs_publish_lost() -> None:
    """Publishes rows that wait and that no message stands for any more. An empty queue tells that messages are lost."""
    lost = {queue for queue in queues_empty() if _unpublished(queue).exists()}
    if lost:
        time.sleep(TAKEN_SECONDS)
        for queue in lost & queues_empty():
            queue_publish_lost(queue)


def queue_publish_lost(queue: str) -> None:
    """The same for one queue that is known to be empty."""
    with transaction.atomic():
        rows = _unpublished(queue).select_for_update(skip_locked=True, of=("self",))
        _publish(rows.values_list("id", flat=True)[: jobs.PUBLISH_LIMIT], queue=queue)


def jobs_reclaim() -> None:
    """Brings back jobs whose lease ran out: nobody has them in hand any more."""
    held = CaptionJob.objects.filter(state__in=(State.QUEUED, State.RUNNING))
    leases_cut(held, "lease_expires_at", seconds=settings.LEASE_SECONDS)
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


def leases_end(*, is_dead: Callable[[str], bool]) -> None:
    """Ends the leases of workers that are known to be dead. `jobs_reclaim` then need not wait until they run out."""
    running = CaptionJob.objects.filter(state=State.RUNNING)
    dead = [worker for worker in running.values_list("worker", flat=True).distinct() if is_dead(worker)]
    with transaction.atomic():
        held = running.filter(worker__in=dead).order_by("id").select_for_update(skip_locked=True, of=("self",))
        ids = list(held.values_list("id", flat=True))
        CaptionJob.objects.filter(id__in=ids).update(lease_expires_at=Now() - timedelta(seconds=1))


def candidates_publish_lost() -> None:
    """Has candidate models verified whose message is lost."""
    if jobs.INTERACTIVE in queues_empty():
        candidates = ModelVersion.objects.filter(settled("created_at"), state=ModelVersion.State.CANDIDATE)
        for model_version_id in candidates.values_list("id", flat=True):
            jobs.model_verify_enqueue(model_version_id)


def leases_cut(rows: "QuerySet[Any]", name: str, *, seconds: float) -> None:
    """Cuts leases that last longer than one that is taken now: they are of another clock, and nobody may renew them.

    Args:
        name: the column of when the lease ends.
        seconds: how long a lease lasts.
    """
    end = Now() + timedelta(seconds=seconds)
    beyond = rows.filter(**{f"{name}__gt": end + timedelta(seconds=SETTLED_SECONDS)})
    if beyond.exists():  # found out without a lock
        with transaction.atomic():
            ids = list(beyond.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True))
            rows.filter(pk__in=ids).update(**{name: end})


def queues_empty() -> set[str]:
    """The empty queues. None where the broker is away: there is no use in publishing then."""
    return {queue for queue, length in (jobs.queue_lengths() or {}).items() if length == 0}


def settled(name: str) -> Q:
    """Whether that moment of a row is some seconds ago; or to come, as the clock was set back since."""
    some = timedelta(seconds=SETTLED_SECONDS)
    return ~Q(**{f"{name}__range": (Now() - some, Now() + some)})


def _unpublished(queue: str) -> "QuerySet[CaptionJob]":
    """Rows that no message stands for, if their queue is empty: they are not so new that one may be on its way."""
    return jobs_waiting(queue).filter(settled("queued_at"))


def _publish(job_ids: Iterable[int], *, queue: str) -> None:
    """They wait, and are published for once that is certain. A waiting row's lease is its message's: until it ends, no
    other sweep publishes for the row."""
    ids = list(job_ids)
    on_its_way = Now() + timedelta(seconds=SETTLED_SECONDS)
    CaptionJob.objects.filter(id__in=ids).update(state=State.QUEUED, lease_expires_at=on_its_way)
    publish_on_commit(ids, queue=queue)
