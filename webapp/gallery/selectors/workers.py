"""Reads: the workers, and whether they make progress."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from django.db.models import QuerySet
from django.db.models.functions import Now

from webapp.gallery.models import CaptionJob, WorkerHeartbeat

ALIVE_SECONDS = 15  # a heartbeat comes every 5 s
STALLED_SECONDS = 60  # a photo waits this long, and nothing at all was finished meanwhile


class Progress(Enum):
    OK = "ok"
    NO_WORKER = "no_worker"
    STALLED = "stalled"


@dataclass(frozen=True)
class WorkerProgress:
    """`message` says what is wrong and what to do, for people; empty where all is well."""

    progress: Progress
    message: str = ""

    @property
    def ok(self) -> bool:
        return self.progress is Progress.OK


def workers_alive() -> "QuerySet[WorkerHeartbeat]":
    """Those that have a model loaded; `error` of one of these says why it has not swapped to the active model."""
    recently = Now() - timedelta(seconds=ALIVE_SECONDS)
    return workers_known().filter(seen_at__gte=recently, model_version__isnull=False)


def workers_known() -> "QuerySet[WorkerHeartbeat]":
    """Newest sign of life first."""
    return WorkerHeartbeat.objects.select_related("model_version").order_by("-seen_at", "-id")


def worker_progress() -> WorkerProgress:
    """Is there a worker that captions? By the heartbeats and the job rows alone: the broker is not asked."""
    if not workers_alive().exists():
        newest = workers_known().first()
        if newest is not None and newest.error:
            return WorkerProgress(Progress.NO_WORKER, f"No worker is running; the last one said: {newest.error}")
        return WorkerProgress(
            Progress.NO_WORKER, "No worker is running. Photos are kept and captioned once one starts."
        )
    long_ago = Now() - timedelta(seconds=STALLED_SECONDS)
    waiting = CaptionJob.objects.filter(state=CaptionJob.State.QUEUED, queued_at__lt=long_ago)
    finished = CaptionJob.objects.filter(finished_at__gte=long_ago)
    if waiting.exists() and not finished.exists():
        return WorkerProgress(
            Progress.STALLED,
            f"A worker runs, but finished nothing for {STALLED_SECONDS} s though photos wait. See the logs.",
        )
    return WorkerProgress(Progress.OK)
