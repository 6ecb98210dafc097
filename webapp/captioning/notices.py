"""The notice at the top of pages while captioning has stopped or uploads are refused."""

from webapp import jobs
from webapp.captioning.models import CaptionJob
from webapp.captioning.selectors.workers import worker_progress
from webapp.data_folder.disk_room import room_notice


def captioning_notice() -> str:
    """Empty if captioning works."""
    return " ".join(filter(None, (room_notice(), _waiting_notice())))


def _waiting_notice() -> str:
    progress = worker_progress()
    if progress.stopped:
        return progress.message
    if jobs.broker_failed() and CaptionJob.objects.filter(state=CaptionJob.State.QUEUED).exists():
        return "The queue does not answer, so captioning waits. Your photos are stored, and captioned once it is back."
    return ""
