"""Reads: which caption jobs wait, and in which queue each is served."""

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from webapp import jobs
from webapp.captioning.models import CaptionJob

_STRANDED = Q(lease_count__gt=0)  # whoever had these in hand ended nothing: they have waited long enough
_NOT_LATER = Q(lease_expires_at=None) | Q(lease_expires_at__lt=Now())  # a row that waits has one where it is put off
_SERVED = {
    jobs.HOUSEKEEPING: _STRANDED,
    jobs.INTERACTIVE: ~_STRANDED & Q(lane=CaptionJob.Lane.INTERACTIVE),
    jobs.BULK: ~_STRANDED & Q(lane=CaptionJob.Lane.BULK),
}


def queue_of(job: CaptionJob) -> str:
    """In which it is served; of one row what `_SERVED` says of many."""
    return jobs.HOUSEKEEPING if job.lease_count else job.lane


def jobs_waiting(queue: str) -> "QuerySet[CaptionJob]":
    """Those of a queue that may be taken without a message, longest first: nobody has put them off, and no sweep has
    just sent them one."""
    waiting = CaptionJob.objects.filter(_SERVED[queue], _NOT_LATER, state=CaptionJob.State.QUEUED)
    return waiting.order_by("queued_at", "id")


def jobs_people_wait_for() -> "QuerySet[CaptionJob]":
    """Those of the interactive queue that may be taken together; harmful ones are tried each by itself."""
    return jobs_waiting(jobs.INTERACTIVE).filter(harm_count=0)
