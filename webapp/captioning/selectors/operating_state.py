"""Reads: the state of captioning, for `/metrics`, `manage.py worker_status` and the admin's page of workers."""

from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Count
from django.db.models.functions import Now

from webapp import jobs
from webapp.captioning.counters import JOBS
from webapp.captioning.models import Caption, CaptionJob
from webapp.captioning.selectors.workers import (
    Progress,
    WorkerProgress,
    WorkerStatus,
    oldest_waiting_seconds,
    workers_told,
)
from webapp.counters.selectors import counts_by_subject
from webapp.processes.background_calls import Background

BROKER_SECONDS: Final = 1.5  # a working broker answers in a millisecond
State = CaptionJob.State

_queue_lengths: Final = Background(jobs.queue_lengths, name="queue-lengths")


@dataclass(frozen=True)
class Operation:
    """The current state. Photos are counted from rows, messages at the broker."""

    progress: WorkerProgress
    workers: list[WorkerStatus]
    queues: dict[str, int] | None  # messages in each queue; None if the broker does not answer
    waiting: dict[str, int]  # waiting photos by lane
    running: int
    failed: int
    quarantined: int
    oldest_waiting_seconds: float | None
    captions_per_minute: int  # captions of the last minute

    @property
    def healthy(self) -> bool:
        return self.progress.ok and self.queues is not None

    @property
    def waiting_total(self) -> int:
        return sum(self.waiting.values())

    @property
    def message(self) -> str:
        """What is wrong and what to do; empty if all is well."""
        if self.queues is not None:
            return self.progress.message
        away = jobs.broker_missing() or (
            "The broker does not answer. Photos are stored, and captioned once it is back. Check that it runs."
        )
        no_worker = self.progress.progress is Progress.NO_WORKER  # otherwise the broker is the cause
        return f"{away} {self.progress.message}" if no_worker else away


def operation() -> Operation:
    """A few cheap queries, for any number of photos and workers. A silent broker costs `BROKER_SECONDS`.

    Raises:
        DatabaseError: the database is unreachable.
    """
    lengths = _queue_lengths.start()
    workers, progress = workers_told()
    minute = timedelta(minutes=1)  # after a set-back clock rows lie in the future; a worker's clock may be ahead
    recent = Caption.objects.filter(created_at__range=(Now() - minute, Now() + minute)).count()
    running = dict(CaptionJob.objects.filter(state=State.RUNNING).values_list("lane").annotate(Count("id")))
    counted = Counter[tuple[str, ...]]()  # by lane and state; running counts as queued
    for counts in counts_by_subject(JOBS).values():
        counted.update(counts)
    waiting = {lane: counted[lane, State.QUEUED] - running.get(lane, 0) for lane in CaptionJob.Lane.values}

    def count(state: State) -> int:
        return sum(number for (_, counted_state), number in counted.items() if counted_state == state)

    return Operation(
        progress=progress,
        workers=workers,
        queues=_within(BROKER_SECONDS, lengths),
        waiting=waiting,
        running=sum(running.values()),
        failed=count(State.FAILED),
        quarantined=count(State.QUARANTINED),
        oldest_waiting_seconds=oldest_waiting_seconds(),
        captions_per_minute=recent,
    )


def _within(seconds: float, future: "Future[dict[str, int] | None]") -> dict[str, int] | None:
    try:
        return future.result(seconds)
    except TimeoutError:
        return None


def span_text(seconds: float) -> str:
    """42.3 -> "42 s", 200 -> "3 min", 7500 -> "2 h 5 min", 200000 -> "2 d 7 h"."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60 % 60, whole // 3600 % 24, whole // 86400
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min"
