"""What the pages say at the top when captioning does not go on, or no photo is taken."""

from webapp import jobs
from webapp.gallery.models import CaptionJob
from webapp.gallery.room import room_notice
from webapp.gallery.selectors.workers import worker_progress


def captioning_notice() -> str:
    """Empty where all is well."""
    return " ".join(filter(None, (room_notice(), _waiting_notice())))


def _waiting_notice() -> str:
    progress = worker_progress()
    if progress.stopped:
        return progress.message
    if jobs.broker_failed() and CaptionJob.objects.filter(state=CaptionJob.State.QUEUED).exists():
        return "The queue does not answer, so captioning waits. Your photos are kept, and captioned once it is back."
    return ""
