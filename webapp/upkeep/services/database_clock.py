"""Watches the database's clock. If it jumps, the times in rows are moved by the same amount.

Leases, ages and health compare times in rows with the database's clock. People and programs set that clock. It stops
while a laptop sleeps, and starts in 1970 on a machine without a battery. Therefore each worker compares it with its own
monotonic clock, and one worker moves the rows. They coordinate by the row of `Installation`: `clock_seen_at` is the
database's time when a worker last found that rows and clock agree.
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
JUMP_SECONDS: Final = 2.0  # a smaller jump looks like a slow look, and harms no lease
RECORD_SECONDS: Final = 5.0  # between two writes of all workers together, without jumps
SLOW_SECONDS: Final = 0.5  # a longer look is too inexact


@dataclass(frozen=True)
class Look:
    """The database's time `now`, when this process's monotonic clock showed `monotonic`."""

    seen: datetime | None  # `clock_seen_at` at that moment
    now: datetime
    monotonic: float


class Clock:
    """One process's view of the database's clock. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: Look | None = None

    def follow(self) -> bool:
        """Look at the clock. If it has jumped, move the times in the rows, unless another worker has done so.

        False if the look took too long to tell the time.
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
                    "The database's clock jumped %s by %.0f s. Waits and leases were adjusted to the new time.",
                    "forward" if jump > 0 else "back", abs(jump),
                )  # fmt: skip
            Installation.objects.filter(pk=1).update(clock_seen_at=look.now)
        return replace(look, seen=look.now)

    def _jump(self, look: Look) -> float:
        """The seconds by which the clock has jumped since `clock_seen_at` was written; 0 if no jump is certain.

        The time that the clock has counted since then is known. If the last look found the same `clock_seen_at`, the
        true time since then is known too. Otherwise another worker has written it after that look, and the true time
        is between zero and the time since that look. The result is a jump only if no such time explains the clock.
        Once another worker has moved the rows, there is no jump.
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
    """One look at the clock. None if it took too long to be exact, for example in a process that was stopped."""
    before = time.monotonic()
    row = Installation.objects.filter(pk=1).values_list("clock_seen_at", Now()).first()
    if row is None:
        Installation.objects.get_or_create(pk=1, defaults={"identity": ""})
        return _look()
    seen, now = row
    return Look(seen, now, before) if time.monotonic() - before < SLOW_SECONDS else None


def _times_move(*, seconds: float, now: datetime, since: float) -> None:
    """Move all times that are compared with the clock. Times of the last `since` seconds may be of the new clock.

    Locks batches before jobs, and rows in order of their keys, as everywhere else.
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
    if move.since is None:  # no worker saw the jump, so none is alive; a live one soon sends a heartbeat
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
        now: time of the new clock.
        since: times written later may be of the new clock. None: all times not in the future may be.
    """

    jump: timedelta
    now: datetime
    since: datetime | None

    def moment(self, name: str) -> Case:
        """The new value of a column of past times. It is never later than now."""
        kept = Q(**{f"{name}__lte": self.now})
        if self.since is not None:
            kept &= Q(**{f"{name}__gte": self.since})
        return self._moved(name, kept, latest=self.now)

    def lease(self, name: str, seconds: float) -> Case:
        """The new value of a column of lease ends. `seconds`: duration of a lease. A running lease stays valid."""
        latest = self.now + timedelta(seconds=seconds)
        return self._moved(name, Q(**{f"{name}__range": (self.now, latest)}), latest=latest)

    def _moved(self, name: str, kept: Q, *, latest: datetime) -> Case:
        beyond = Q(**{f"{name}__gt": latest - self.jump})
        return Case(When(kept, then=F(name)), When(beyond, then=Value(latest)), default=F(name) + self.jump)
