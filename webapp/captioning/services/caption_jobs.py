"""Creates caption jobs, queues them again, and publishes them to the workers."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from webapp import jobs
from webapp.captioning.job_states import UNSUCCESSFUL
from webapp.captioning.models import CaptionJob
from webapp.captioning.services.unsent_messages import waiting_followed
from webapp.errors import ActionRefused
from webapp.photos.models import Photo

RETRYABLE = UNSUCCESSFUL


def job_create(*, photo: Photo, lane: str) -> CaptionJob:
    """Call in the transaction that creates the photo's row."""
    job = CaptionJob.objects.create(photo=photo, lane=lane, queued_at=Now())
    job.refresh_from_db(fields=["queued_at"])
    return job


def photo_retry(*, photo: Photo, lane: str = jobs.INTERACTIVE) -> None:
    """Queue a failed, quarantined or cancelled photo again, with its counts at zero.

    Raises:
        ActionRefused: not_retryable.
    """
    if not jobs_requeue(CaptionJob.objects.filter(photo=photo, state__in=RETRYABLE), lane=lane):
        raise ActionRefused("not_retryable", f"{photo.name}: only a failed or cancelled caption can be retried.")


def jobs_requeue(caption_jobs: QuerySet[CaptionJob], *, lane: str) -> int:
    """Queue the jobs with their counts at zero, and publish them on commit. Returns their number."""
    with transaction.atomic():
        # Workers lock their jobs in the same order. Another order could deadlock.
        ids = list(caption_jobs.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
        requeued = caption_jobs.update(
            state=CaptionJob.State.QUEUED,
            lane=lane,
            queued_at=Now(),
            started_at=None,
            finished_at=None,
            lease_expires_at=None,
            lease_count=0,
            harm_count=0,
            error_code="",
            error_message="",
        )
        transaction.on_commit(lambda: jobs.caption_photos_enqueue(ids, queue=lane), robust=True)
    return requeued


def jobs_publish(caption_jobs: Iterable[CaptionJob]) -> bool:
    """Publish queued jobs to the workers. False if the broker did not take one: the sweep publishes it later."""
    lanes: dict[str, list[int]] = {}
    for job in caption_jobs:
        lanes.setdefault(job.lane, []).append(job.pk)
    if jobs.INTERACTIVE in lanes and waiting_followed():
        del lanes[jobs.INTERACTIVE]
    taken = [jobs.caption_photos_enqueue(ids, queue=lane) for lane, ids in lanes.items()]
    return all(taken)
