"""Reads: the workers, what each of them does, and whether captioning makes progress.

Health means progress: a worker that beats is no better than a dead one if it finishes nothing while work waits. All is
told from the heartbeats and the job rows; the broker is not asked.
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
STARTING_SECONDS = 120  # a model is loaded in less, also where it is exported first and the machine is busy
WORKERS_TOLD = 50  # newest sign of life first; one that restarts for ever leaves a row each time


_AGE: Any = ExpressionWrapper(Now() - F("queued_at"), output_field=DurationField())


class WorkerState(Enum):
    OK = "ok"
    IDLE = "idle"  # nothing waits
    STALLED = "stalled"  # beats, and finishes nothing while work waits
    GONE = "gone"  # stopped beating
    ERROR = "error"  # has no model to caption with
    STARTING = "starting"  # loads its model


@dataclass(frozen=True)
class WorkerStatus:
    """One worker, with ages in seconds. `message` says what is wrong and what to do; empty where all is well."""

    name: str
    state: WorkerState
    message: str
    device: str
    model_version: str | None
    captions: int  # since it started
    failures: int
    running: int  # photos in its hands
    started_at: datetime
    seen_at: datetime
    last_caption_at: datetime | None
    uptime_seconds: float  # from its start to its last sign of life
    seen_seconds: float  # since then
    last_caption_seconds: float | None

    @property
    def works(self) -> bool:
        return self.state in {WorkerState.OK, WorkerState.IDLE}


class Progress(Enum):
    OK = "ok"
    DEGRADED = "degraded"  # a worker is stalled, others go on
    NO_WORKER = "no_worker"
    STARTING = "starting"  # there is a worker, which loads its model
    STALLED = "stalled"  # workers run, and nothing is finished


@dataclass(frozen=True)
class WorkerProgress:
    """`message` says what is wrong and what to do, for people; empty where all is well."""

    progress: Progress
    message: str = ""

    @property
    def ok(self) -> bool:
        return self.progress is Progress.OK

    @property
    def stopped(self) -> bool:
        """Nothing is captioned."""
        return self.progress in {Progress.NO_WORKER, Progress.STARTING, Progress.STALLED}


def workers_alive() -> "QuerySet[WorkerHeartbeat]":
    """Those that have a model loaded; `error` of one of these says why it has not swapped to the active model."""
    around = timedelta(seconds=ALIVE_SECONDS)  # later ones are of a clock that was set back since
    return _heartbeats().filter(seen_at__range=(Now() - around, Now() + around), model_version__isnull=False)


def age_seconds(age: timedelta) -> float:
    """What is to come is of a clock that was set back since: its age is not known, and not negative."""
    return max(age.total_seconds(), 0.0)


def worker_progress() -> WorkerProgress:
    """Is there a worker that captions? A few look-ups in indexes, however many photos there are."""
    return workers_told()[1]


def workers_told(*, host: str = "") -> tuple[list[WorkerStatus], WorkerProgress]:
    """The workers, newest sign of life first, and what they amount to. `host`: those of that machine alone."""
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
    """When the photo that has waited longest was queued."""
    waiting = CaptionJob.objects.filter(state=CaptionJob.State.QUEUED).order_by("queued_at").values_list("queued_at")
    firsts = [waiting.filter(lane=lane).first() for lane in CaptionJob.Lane]  # one look into the index for each
    return min((first[0] for first in firsts if first), default=None)


def oldest_waiting_seconds() -> float | None:
    """How long the photo has waited that has waited longest; None where none waits."""
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
    seen = abs(row.now - row.seen_at)  # a sign of life from the future is none: the clock was set back since
    beaten = row.seen_at != row.started_at
    if not (row.model_version or row.error or beaten) and seen <= timedelta(seconds=STARTING_SECONDS):
        return WorkerState.STARTING, ""
    alive = seen <= timedelta(seconds=ALIVE_SECONDS)
    if row.model_version is None and (alive or row.error):
        return WorkerState.ERROR, row.error or "It has no model. Activate a model version."
    if not alive:
        lost = "It ended without a word, or its database is out of reach: see its log. Others take over its photos."
        return WorkerState.GONE, f"{lost} It said: {row.error}" if row.error else lost
    quiet = row.started_at < long_ago and (row.last_finish_at is None or row.last_finish_at < long_ago)
    if quiet and (_before(oldest, long_ago) or (held and _before(held["oldest"], long_ago))):
        return WorkerState.STALLED, (
            f"It beats, but finished nothing for {settings.STALLED_SECONDS:g} s though work waits: "
            "see its log, and restart it."
        )
    return WorkerState.OK if held or oldest else WorkerState.IDLE, row.error


def _progress(
    rows: Sequence[Any], statuses: Sequence[WorkerStatus], *, waits_long: bool, long_ago: datetime
) -> WorkerProgress:
    alive = [status for status in statuses if status.works or status.state is WorkerState.STALLED]
    stalled = [status.name for status in alive if not status.works]
    if not alive and any(status.state is WorkerState.STARTING for status in statuses):
        said = next((row.error for row in rows if row.error and row.model_version is None), "")
        then = f"the last one could not work: {said}" if said else "photos are kept and captioned in a moment."
        return WorkerProgress(Progress.STARTING, f"A worker is starting: it loads its model; {then}")
    if not alive:
        return _no_worker(rows)
    # Workers that die and restart all the time are never old enough to be stalled, but nothing is finished either.
    soon = rows[0].now + timedelta(seconds=ALIVE_SECONDS)
    lately = [row for row in rows if long_ago <= row.seen_at <= soon]
    finished = any(row.last_finish_at and long_ago <= row.last_finish_at <= soon for row in rows)
    if len(stalled) == len(alive) or (waits_long and not finished and any(row.started_at < long_ago for row in lately)):
        return WorkerProgress(
            Progress.STALLED,
            f"A worker runs, but finished nothing for {settings.STALLED_SECONDS:g} s though photos wait. See the logs.",
        )
    if stalled:
        return WorkerProgress(
            Progress.DEGRADED,
            f"{', '.join(stalled)} finished nothing for {settings.STALLED_SECONDS:g} s though photos wait; "
            "other workers go on. See the logs.",
        )
    return WorkerProgress(Progress.OK)


def _no_worker(rows: Sequence[Any]) -> WorkerProgress:
    if rows and rows[0].error:
        return WorkerProgress(Progress.NO_WORKER, f"No worker is running; the last one said: {rows[0].error}")
    return WorkerProgress(Progress.NO_WORKER, "No worker is running. Photos are kept and captioned once one starts.")


def _before(moment: datetime | None, other: datetime) -> bool:
    return moment is not None and moment < other


def _heartbeats() -> "QuerySet[WorkerHeartbeat]":
    rows = WorkerHeartbeat.objects.select_related("model_version").order_by("-seen_at", "-id")
    return rows.defer(*(f"model_version__{name}" for name in ("vocabulary", "card", "metrics", "config")))
