"""Puts lost jobs back, using only the rows: jobs whose lease ran out, and waiting jobs whose message is lost."""

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

SETTLED_SECONDS = 5  # the message of a row queued or published more recently may still be on its way
TAKEN_SECONDS = 1.0  # by then a worker that took a message has its leases

State = CaptionJob.State


def jobs_publish_lost() -> None:
    """Publish waiting rows whose message is lost. That is the case if rows wait while their queue is empty."""
    lost = {queue for queue in queues_empty() if _unpublished(queue).exists()}
    if lost:
        time.sleep(TAKEN_SECONDS)
        for queue in lost & queues_empty():
            queue_publish_lost(queue)


def queue_publish_lost(queue: str) -> None:
    """The same for one queue that is empty."""
    with transaction.atomic():
        rows = _unpublished(queue).select_for_update(skip_locked=True, of=("self",))
        _publish(rows.values_list("id", flat=True)[: jobs.PUBLISH_LIMIT], queue=queue)


def jobs_reclaim() -> None:
    """Put jobs back whose lease ran out: their worker is dead or stuck."""
    held = CaptionJob.objects.filter(state__in=(State.QUEUED, State.RUNNING))
    leases_cut(held, "lease_expires_at", seconds=settings.LEASE_SECONDS)
    with transaction.atomic():
        expired = CaptionJob.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            state=State.RUNNING, lease_expires_at__lt=Now()
        )
        counts = dict(expired.order_by("id").values_list("id", "lease_count"))
        hopeless = [job_id for job_id, count in counts.items() if count >= settings.LEASE_LIMIT]
        message = (
            f"{settings.LEASE_LIMIT} workers in turn ended while captioning this photo. Retry it, or see their logs."
        )
        CaptionJob.objects.filter(id__in=hopeless).update(
            state=State.QUARANTINED, error_code="no_result", error_message=message, **ENDED
        )
        lost = [job_id for job_id in counts if job_id not in hopeless]
        _publish(lost, queue=jobs.HOUSEKEEPING)
    if counts:
        log.warning(
            "%d leases ran out: %d photos are tried again, %d are quarantined", len(counts), len(lost), len(hopeless)
        )


def leases_end(*, is_dead: Callable[[str], bool]) -> None:
    """End the leases of dead workers at once, so `jobs_reclaim` need not wait until they run out."""
    running = CaptionJob.objects.filter(state=State.RUNNING)
    dead = [worker for worker in running.values_list("worker", flat=True).distinct() if is_dead(worker)]
    with transaction.atomic():
        held = running.filter(worker__in=dead).order_by("id").select_for_update(skip_locked=True, of=("self",))
        ids = list(held.values_list("id", flat=True))
        CaptionJob.objects.filter(id__in=ids).update(lease_expires_at=Now() - timedelta(seconds=1))


def candidates_publish_lost() -> None:
    """Publish candidate models whose message is lost."""
    if jobs.INTERACTIVE in queues_empty():
        candidates = ModelVersion.objects.filter(settled("created_at"), state=ModelVersion.State.CANDIDATE)
        for model_version_id in candidates.values_list("id", flat=True):
            jobs.model_verify_enqueue(model_version_id)


def leases_cut(rows: "QuerySet[Any]", name: str, *, seconds: float) -> None:
    """Shorten leases that end later than one taken now: the clock was set back, and their worker may be dead.

    Args:
        name: the column that holds the lease's end.
        seconds: duration of a lease.
    """
    end = Now() + timedelta(seconds=seconds)
    beyond = rows.filter(**{f"{name}__gt": end + timedelta(seconds=SETTLED_SECONDS)})
    if beyond.exists():  # checked without a lock
        with transaction.atomic():
            ids = list(beyond.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True))
            rows.filter(pk__in=ids).update(**{name: end})


def queues_empty() -> set[str]:
    """The empty queues. No queue if the broker is unreachable: nothing could be published."""
    return {queue for queue, length in (jobs.queue_lengths() or {}).items() if length == 0}


def settled(name: str) -> Q:
    """Whether a row's time is at least some seconds ago, or in the future (the clock was set back)."""
    some = timedelta(seconds=SETTLED_SECONDS)
    return ~Q(**{f"{name}__range": (Now() - some, Now() + some)})


def _unpublished(queue: str) -> "QuerySet[CaptionJob]":
    """Rows that have no message, if their queue is empty. Leaves out new rows: their message may be on its way."""
    return jobs_waiting(queue).filter(settled("queued_at"))


def _publish(job_ids: Iterable[int], *, queue: str) -> None:
    """Set the jobs to waiting, and publish them on commit. The lease of a waiting row belongs to its message: until it
    ends, no other sweep publishes the row."""
    ids = list(job_ids)
    on_its_way = Now() + timedelta(seconds=SETTLED_SECONDS)
    CaptionJob.objects.filter(id__in=ids).update(state=State.QUEUED, lease_expires_at=on_its_way)
    publish_on_commit(ids, queue=queue)
