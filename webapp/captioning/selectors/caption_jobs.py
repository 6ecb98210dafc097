"""Reads: the waiting caption jobs, and the queue that serves each."""

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from webapp import jobs
from webapp.captioning.models import CaptionJob

_STRANDED = Q(lease_count__gt=0)  # a lease ended without a result: such jobs have waited long
_NOT_LATER = Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now())  # a waiting job that is put off has a lease end
_SERVED = {
    jobs.HOUSEKEEPING: _STRANDED,
    jobs.INTERACTIVE: ~_STRANDED & Q(lane=CaptionJob.Lane.INTERACTIVE),
    jobs.BULK: ~_STRANDED & Q(lane=CaptionJob.Lane.BULK),
}


def queue_of(job: CaptionJob) -> str:
    """The queue that serves a job: `_SERVED` for one row."""
    return jobs.HOUSEKEEPING if job.lease_count else job.lane


def jobs_waiting(queue: str) -> "QuerySet[CaptionJob]":
    """The jobs of a queue that a worker may take without a message, longest wait first. Leaves out jobs that are put
    off, and jobs for which a sweep has just sent a message."""
    waiting = CaptionJob.objects.filter(_SERVED[queue], _NOT_LATER, state=CaptionJob.State.QUEUED)
    return waiting.order_by("queued_at", "id")


def jobs_people_wait_for() -> "QuerySet[CaptionJob]":
    """The interactive jobs that may be taken together. A job that did harm is tried alone."""
    return jobs_waiting(jobs.INTERACTIVE).filter(harm_count=0)
