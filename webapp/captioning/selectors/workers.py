"""Reads: the workers, the state of each, and whether captioning makes progress.

Health means progress: a worker that sends heartbeats but finishes nothing while work waits is unhealthy. The states
come from heartbeats and job rows; the broker is not asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.conf import settings
from django.db.models import Count, DurationField, ExpressionWrapper, F, Min, QuerySet
from django.db.models.functions import Now

from webapp.captioning.models import CaptionJob, WorkerHeartbeat

ALIVE_SECONDS = 15  # a heartbeat comes every 5 s
STARTING_SECONDS = 120  # loading a model takes less, even with an export on a busy machine
WORKERS_TOLD = 50  # newest heartbeats first; a worker that restarts again and again leaves many rows


_AGE: Any = ExpressionWrapper(Now() - F("queued_at"), output_field=DurationField())


class WorkerState(Enum):
    OK = "ok"
    IDLE = "idle"  # nothing waits
    STALLED = "stalled"  # sends heartbeats, but finishes nothing while work waits
    GONE = "gone"  # sends no heartbeats
    ERROR = "error"  # has no model to caption with
    STARTING = "starting"  # is loading its model


@dataclass(frozen=True)
class WorkerStatus:
    """One worker, with ages in seconds. `message` says what is wrong and what to do; empty if all is well."""

    name: str
    state: WorkerState
    message: str
    device: str
    model_version: str | None
    captions: int  # since it started
    failures: int
    running: int  # photos that it is captioning
    started_at: datetime
    seen_at: datetime
    last_caption_at: datetime | None
    uptime_seconds: float  # from its start to its last heartbeat
    seen_seconds: float  # since its last heartbeat
    last_caption_seconds: float | None

    @property
    def works(self) -> bool:
        return self.state in {WorkerState.OK, WorkerState.IDLE}


class Progress(Enum):
    OK = "ok"
    DEGRADED = "degraded"  # a worker is stalled, others work
    NO_WORKER = "no_worker"
    STARTING = "starting"  # a worker is loading its model
    STALLED = "stalled"  # workers run, but finish nothing


@dataclass(frozen=True)
class WorkerProgress:
    """`message` says what is wrong and what to do; empty if all is well."""

    progress: Progress
    message: str = ""

    @property
    def ok(self) -> bool:
        return self.progress is Progress.OK

    @property
    def stopped(self) -> bool:
        """Whether nothing is captioned."""
        return self.progress in {Progress.NO_WORKER, Progress.STARTING, Progress.STALLED}


def workers_alive() -> "QuerySet[WorkerHeartbeat]":
    """Live workers with a loaded model. Their `error` says why they have not swapped to the active model."""
    around = timedelta(seconds=ALIVE_SECONDS)  # a set-back clock leaves times in the future
    return _heartbeats().filter(seen_at__range=(Now() - around, Now() + around), model_version__isnull=False)


def age_seconds(age: timedelta) -> float:
    """Never negative. A time in the future comes from a clock that was set back; its age is 0."""
    return max(age.total_seconds(), 0.0)


def worker_progress() -> WorkerProgress:
    """Whether a worker makes progress. A few index look-ups, for any number of photos."""
    return workers_told()[1]


def workers_told(*, host: str = "") -> tuple[list[WorkerStatus], WorkerProgress]:
    """The workers, newest heartbeat first, and their overall progress. `host`: only workers of that machine."""
    heartbeats = _heartbeats().filter(name__startswith=f"{host}:") if host else _heartbeats()
    rows: list[Any] = list(heartbeats.annotate(now=Now())[:WORKERS_TOLD])
    if not rows:
        return [], _no_worker([])
    held: dict[str, Any] = {
        row["worker"]: row
        for row in CaptionJob.objects.filter(state=CaptionJob.State.RUNNING)
        .values("worker")
        .annotate(count=Count("id"), oldest=Min("started_at"))
    }
    oldest = oldest_waiting()
    long_ago = rows[0].now - timedelta(seconds=settings.STALLED_SECONDS)
    statuses = [_status(row, held.get(row.name), oldest, long_ago) for row in rows]
    return statuses, _progress(rows, statuses, waits_long=_before(oldest, long_ago), long_ago=long_ago)


def oldest_waiting() -> datetime | None:
    """When the longest waiting photo was queued."""
    waiting = CaptionJob.objects.filter(state=CaptionJob.State.QUEUED).order_by("queued_at").values_list("queued_at")
    firsts = [waiting.filter(lane=lane).first() for lane in CaptionJob.Lane]  # one index look-up each
    return min((first[0] for first in firsts if first), default=None)


def oldest_waiting_seconds() -> float | None:
    """The wait of the longest waiting photo; None if none waits."""
    waiting = CaptionJob.objects.filter(state=CaptionJob.State.QUEUED).order_by("queued_at").annotate(age=_AGE)
    firsts = [waiting.filter(lane=lane).values_list("age", flat=True).first() for lane in CaptionJob.Lane]
    return max((age_seconds(age) for age in firsts if age is not None), default=None)


def _status(row: Any, held: dict[str, Any] | None, oldest: datetime | None, long_ago: datetime) -> WorkerStatus:
    state, message = _state(row, held, oldest, long_ago)
    return WorkerStatus(
        name=row.name,
        state=state,
        message=message,
        device=row.device,
        model_version=str(row.model_version) if row.model_version else None,
        captions=row.captions,
        failures=row.failures,
        running=held["count"] if held else 0,
        started_at=row.started_at,
        seen_at=row.seen_at,
        last_caption_at=row.last_caption_at,
        uptime_seconds=age_seconds(row.seen_at - row.started_at),
        seen_seconds=age_seconds(row.now - row.seen_at),
        last_caption_seconds=age_seconds(row.now - row.last_caption_at) if row.last_caption_at else None,
    )


def _state(
    row: Any, held: dict[str, Any] | None, oldest: datetime | None, long_ago: datetime
) -> tuple[WorkerState, str]:
    seen = abs(row.now - row.seen_at)  # a heartbeat in the future does not count: the clock was set back
    beaten = row.seen_at != row.started_at
    if not (row.model_version or row.error or beaten) and seen <= timedelta(seconds=STARTING_SECONDS):
        return WorkerState.STARTING, ""
    alive = seen <= timedelta(seconds=ALIVE_SECONDS)
    if row.model_version is None and (alive or row.error):
        return WorkerState.ERROR, row.error or "It has no model. Activate a model version."
    if not alive:
        lost = "It ended without notice, or cannot reach the database. See its log. Other workers take over its photos."
        return WorkerState.GONE, f"{lost} Its last message: {row.error}" if row.error else lost
    quiet = row.started_at < long_ago and (row.last_finish_at is None or row.last_finish_at < long_ago)
    if quiet and (_before(oldest, long_ago) or (held and _before(held["oldest"], long_ago))):
        return WorkerState.STALLED, (
            f"It runs, but finished nothing for {settings.STALLED_SECONDS:g} s while work waits. "
            "See its log, and restart it."
        )
    return WorkerState.OK if held or oldest else WorkerState.IDLE, row.error


def _progress(
    rows: Sequence[Any], statuses: Sequence[WorkerStatus], *, waits_long: bool, long_ago: datetime
) -> WorkerProgress:
    alive = [status for status in statuses if status.works or status.state is WorkerState.STALLED]
    stalled = [status.name for status in alive if not status.works]
    if not alive and any(status.state is WorkerState.STARTING for status in statuses):
        said = next((row.error for row in rows if row.error and row.model_version is None), "")
        then = f"the last one could not work: {said}" if said else "photos are stored, and captioned in a moment."
        return WorkerProgress(Progress.STARTING, f"A worker is starting and loads its model; {then}")
    if not alive:
        return _no_worker(rows)
    # Workers that keep dying and restarting never get old enough to count as stalled.
    soon = rows[0].now + timedelta(seconds=ALIVE_SECONDS)
    lately = [row for row in rows if long_ago <= row.seen_at <= soon]
    finished = any(row.last_finish_at and long_ago <= row.last_finish_at <= soon for row in rows)
    if len(stalled) == len(alive) or (waits_long and not finished and any(row.started_at < long_ago for row in lately)):
        return WorkerProgress(
            Progress.STALLED,
            f"A worker runs, but finished nothing for {settings.STALLED_SECONDS:g} s while photos wait. See its log.",
        )
    if stalled:
        return WorkerProgress(
            Progress.DEGRADED,
            f"{', '.join(stalled)} finished nothing for {settings.STALLED_SECONDS:g} s while photos wait. "
            "Other workers go on. See its log.",
        )
    return WorkerProgress(Progress.OK)


def _no_worker(rows: Sequence[Any]) -> WorkerProgress:
    if rows and rows[0].error:
        return WorkerProgress(Progress.NO_WORKER, f"No worker is running. Message of the last one: {rows[0].error}")
    return WorkerProgress(
        Progress.NO_WORKER, "No worker is running. Photos are stored, and captioned once a worker starts."
    )


def _before(moment: datetime | None, other: datetime) -> bool:
    return moment is not None and moment < other


def _heartbeats() -> "QuerySet[WorkerHeartbeat]":
    rows = WorkerHeartbeat.objects.select_related("model_version").order_by("-seen_at", "-id")
    return rows.defer(*(f"model_version__{name}" for name in ("vocabulary", "card", "metrics", "config")))
