"""Waits and workers by the database's clock, for the tests of what a jump of it does."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from tests.webapp.job_rows import job_make
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob
from webapp.upkeep.services.database_clock import Clock

HOURS = 7200.0
both_ways = pytest.mark.parametrize("jump", [-HOURS, HOURS], ids=["back", "forward"])


def watching() -> Clock:
    """A worker's, which has looked."""
    clock = Clock()
    look(clock)
    return clock


def look(clock: Clock) -> None:
    """Once that tells the time: on a busy machine a look may take too long for that."""
    for _ in range(20):
        if clock.follow():
            return
    raise AssertionError("each of twenty looks took too long")


def queued(user: User, *, seconds: float = 0) -> CaptionJob:
    """Queued so many seconds ago, by the database's clock."""
    job = job_make(user)
    CaptionJob.objects.filter(pk=job.pk).update(queued_at=Now() - timedelta(seconds=seconds))
    return job


def seconds_since(row: Any, name: str) -> float:
    """By the database's clock as it is now."""
    age: timedelta = type(row).objects.filter(pk=row.pk).values_list(Now() - F(name)).get()[0]
    return age.total_seconds()


def about(seconds: float) -> Any:
    return pytest.approx(seconds, abs=1)
