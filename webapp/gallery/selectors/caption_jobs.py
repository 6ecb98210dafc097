"""Reads: which caption jobs wait, and in which queue each is served."""

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from webapp import jobs
from webapp.gallery.models import CaptionJob

_STRANDED = Q(lease_count__gt=0)  # workers died with these in hand: they have waited long enough
_UNTIED = Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now())  # no message on its way, nor put off until later
_SERVED = {
    jobs.HOUSEKEEPING: _STRANDED,
    jobs.INTERACTIVE: ~_STRANDED & Q(lane=CaptionJob.Lane.INTERACTIVE),
    jobs.BULK: ~_STRANDED & Q(lane=CaptionJob.Lane.BULK),
}


def queue_of(job: CaptionJob) -> str:
    return jobs.HOUSEKEEPING if job.lease_count else job.lane


def jobs_waiting(queue: str) -> "QuerySet[CaptionJob]":
    """Those of a queue that anybody may take: nobody has put them off, and no sweep has just sent them a message."""
    return CaptionJob.objects.filter(_SERVED[queue], _UNTIED, state=CaptionJob.State.QUEUED).order_by("queued_at")


def jobs_people_wait_for() -> "QuerySet[CaptionJob]":
    """Those that may be taken together; harmful ones are tried each by itself."""
    return jobs_waiting(jobs.INTERACTIVE).filter(harm_count=0)
