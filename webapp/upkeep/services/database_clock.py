"""The database's clock, watched: where it jumps, the times that waits go by are moved along.

Leases, ages and health are told by comparing times in rows with the database's clock. That clock is set by people and
by programs, stands still while a laptop sleeps, and begins in 1970 where a machine has no battery. So each worker
compares it with its own monotonic clock, and one of them moves the rows. All looks and moves go by the row of
`Installation`: `clock_seen_at` is the database's time when a worker last found that rows and clock agree.
"""

import logging
import math
import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Now

from webapp.batches.models import Batch
from webapp.batches.services.zip_unpacking import UNPACK_LEASE_SECONDS
from webapp.captioning.models import CaptionJob, WorkerHeartbeat
from webapp.captioning.selectors.workers import ALIVE_SECONDS
from webapp.upkeep.models import Installation

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0  # from one look to the next
JUMP_SECONDS: Final = 2.0  # less is not told from a look that took its time, and harms no lease
RECORD_SECONDS: Final = 5.0  # between two writes of all workers together, while nothing jumps
SLOW_SECONDS: Final = 0.5  # a look that took longer says too little about when it was


@dataclass(frozen=True)
class Look:
    """The database's time `now`, when this process's monotonic clock showed `monotonic`."""

    seen: datetime | None  # `clock_seen_at` at that moment
    now: datetime
    monotonic: float


class Clock:
    """What one process knows of the database's clock. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: Look | None = None

    def follow(self) -> bool:
        """Look at the clock; where it has jumped, move the times in the rows, unless another worker has.

        False where the look took too long to tell the time.
        """
        with self._lock:
            look = _look()
            if look is not None and self._due(look):
                look = self._follow_locked()
            if look is not None:
                self._last = look
            return look is not None

    def _due(self, look: Look) -> bool:
        unseen = look.seen is None or not 0 <= (look.now - look.seen).total_seconds() < RECORD_SECONDS
        return unseen or self._jump(look) != 0

    def _follow_locked(self) -> Look | None:
        with transaction.atomic():
            list(Installation.objects.select_for_update().filter(pk=1).values_list("pk"))  # one worker at a time
            look = _look()
            if look is None:
                return None
            if jump := self._jump(look):
                since = look.monotonic - self._last.monotonic + JUMP_SECONDS if self._last else math.inf
                _times_move(seconds=jump, now=look.now, since=since)
                log.warning(
                    "The database's clock jumped %s by %.0f s. Waits and leases are counted by the new time.",
                    "forward" if jump > 0 else "back", abs(jump),
                )  # fmt: skip
            Installation.objects.filter(pk=1).update(clock_seen_at=look.now)
        return replace(look, seen=look.now)

    def _jump(self, look: Look) -> float:
        """By how many seconds the clock has jumped since `clock_seen_at` was written; 0 where that is not certain.

        What the clock has counted since then is known. The true time is known too where the last look found the same
        `clock_seen_at`. Else another worker has written it since that look, and the true time is anything between
        nothing and what passed since. A jump is what no such time explains; once another worker has moved the rows,
        there is none.
        """
        if look.seen is None:
            return 0.0
        gap = (look.now - look.seen).total_seconds()
        if self._last is None:
            least, most, moved = -math.inf, gap, math.inf
        else:
            passed = look.monotonic - self._last.monotonic
            least, most, moved = gap - passed, gap, (look.now - self._last.now).total_seconds() - passed
            if look.seen == self._last.seen:
                least = most = moved
        if least <= JUMP_SECONDS and most >= -JUMP_SECONDS:
            return 0.0
        return min(max(moved, least), most)


_clock = Clock()


def clock_follow() -> None:
    """`Clock.follow` of this process."""
    _clock.follow()


def _look() -> Look | None:
    """None where it took so long that nobody can say when it was, such as in a process that stood still."""
    before = time.monotonic()
    row = Installation.objects.filter(pk=1).values_list("clock_seen_at", Now()).first()
    if row is None:
        Installation.objects.get_or_create(pk=1, defaults={"identity": ""})
        return _look()
    seen, now = row
    return Look(seen, now, before) if time.monotonic() - before < SLOW_SECONDS else None


def _times_move(*, seconds: float, now: datetime, since: float) -> None:
    """Moves all times that waits go by. What was written during the last `since` seconds may be by the new clock.

    Batches are locked before jobs, and rows in their order, as everywhere else.
    """
    move = _Move(timedelta(seconds=seconds), now, None if math.isinf(since) else now - timedelta(seconds=since))
    batches = Batch.objects.exclude(unpack_lease_expires_at=None)
    _lock(batches)
    batches.update(unpack_lease_expires_at=move.lease("unpack_lease_expires_at", UNPACK_LEASE_SECONDS))
    jobs = CaptionJob.objects.filter(state__in=(CaptionJob.State.QUEUED, CaptionJob.State.RUNNING))
    _lock(jobs)
    jobs.update(
        queued_at=move.moment("queued_at"),
        started_at=move.moment("started_at"),
        lease_expires_at=move.lease("lease_expires_at", settings.LEASE_SECONDS),
    )
    if move.since is None:  # nobody saw the jump, so nobody lives; who does after all beats again in a moment
        move = replace(move, jump=move.jump - timedelta(seconds=2 * ALIVE_SECONDS))
    moments = ("started_at", "seen_at", "last_caption_at", "last_finish_at")
    heartbeats = WorkerHeartbeat.objects.all()
    _lock(heartbeats)
    heartbeats.update(**{name: move.moment(name) for name in moments})


def _lock(rows: "QuerySet[Any]") -> None:
    list(rows.select_for_update().order_by("pk").values_list("pk"))


@dataclass(frozen=True)
class _Move:
    """
    Args:
        jump: of the clock.
        now: by the clock as it is.
        since: what was written later may be by the clock as it is; None: all that is not in the future may.
    """

    jump: timedelta
    now: datetime
    since: datetime | None

    def moment(self, name: str) -> Case:
        """Of a column of what has happened: it is never later than now."""
        kept = Q(**{f"{name}__lte": self.now})
        if self.since is not None:
            kept &= Q(**{f"{name}__gte": self.since})
        return self._moved(name, kept, latest=self.now)

    def lease(self, name: str, seconds: float) -> Case:
        """Of a column of when a lease ends that lasts so many seconds: by the clock as it is, it still runs."""
        latest = self.now + timedelta(seconds=seconds)
        return self._moved(name, Q(**{f"{name}__range": (self.now, latest)}), latest=latest)

    def _moved(self, name: str, kept: Q, *, latest: datetime) -> Case:
        beyond = Q(**{f"{name}__gt": latest - self.jump})
        return Case(When(kept, then=F(name)), When(beyond, then=Value(latest)), default=F(name) + self.jump)
