"""The machine's clock set back two hours and forward again, under load, and a worker killed at the same moment.

Every photo is captioned all the same, once and in time. No age is negative, and none of hours is told where a worker
has seen the jump. The site says so while its only worker is dead, and raises no alarm about one that is well.
"""

import random
import time

import httpx
from django.conf import settings

from tests.brokers import wait_until
from tests.chaos.figures import Figures
from tests.chaos.promises import RECOVERY_SECONDS, captioned_once
from tests.clocks import machine_clock_set, machine_clock_settable
from tests.processes import WorkerProcess
from tests.stack import Stack
from webapp.captioning.models import CaptionJob
from webapp.captioning.selectors.operating_state import operation

PHOTOS = {"full": 1200, "small": 160}
JUMPS = {"full": 12, "small": 4}
HOURS = 7200.0
NOTICE_SECONDS = 3.0  # until then a worker that is well may be taken for dead
WELL_SECONDS = 7.0  # a false alarm would come with the next signs of life
FINISH_SECONDS = settings.LEASE_SECONDS + RECOVERY_SECONDS

State = CaptionJob.State


def run(stack: Stack, scale: str, seed: int) -> Figures:
    if not machine_clock_settable():
        return Figures(0, note="NOT RUN: libfaketime is not installed (Debian: faketime)")
    chance = random.Random(seed)
    web, victim = stack.web_start(), stack.worker_start()
    other: WorkerProcess | None = None
    slowest = longest = ahead = 0.0
    with httpx.Client(base_url=web.url, timeout=10, trust_env=False) as site:
        for jump in range(JUMPS[scale]):
            if jump == JUMPS[scale] // 2:  # until then the victim is the only worker
                other = stack.worker_start()
            forward = bool(jump % 2)
            lane = chance.choice(["interactive", "bulk"])
            _works(stack, victim, photos=PHOTOS[scale] // JUMPS[scale], lane=lane)
            ahead += HOURS if forward else -HOURS
            machine_clock_set(ahead=ahead)
            victim.kill()
            if other is None:
                wait_until(lambda: not _worker_told(site), seconds=NOTICE_SECONDS, what="the news that no worker runs")
                victim.start()
                victim.ready()
                # Nobody saw it: set forward, it is as if nobody had worked for two hours.
                waited, took = _well(site, stack, seconds=0, believable=None if forward else HOURS / 2)
            else:
                time.sleep(NOTICE_SECONDS)
                waited, took = _well(site, stack, seconds=WELL_SECONDS, believable=HOURS / 2)
                took += NOTICE_SECONDS
                victim.start()
                victim.ready()
            slowest = max(slowest, took)
            longest = longest if forward and other is None else max(longest, waited)
    note = f"kills: jumps, with a kill each; the longest wait that was told is {longest:.0f} s"
    return Figures(kills=JUMPS[scale], recovery=slowest, note=note, **captioned_once(stack, seconds=60))


def _works(stack: Stack, worker: WorkerProcess, *, photos: int, lane: str) -> None:
    """Photos come in until the worker has some in hand; another may be quicker."""
    mine = CaptionJob.objects.filter(worker=worker.name, state=State.RUNNING)
    for _ in range(20):
        stack.photos_submit(photos, lane=lane)
        wait_until(lambda: mine.exists() or not stack.jobs_in_state(State.QUEUED), seconds=60, what="a lease")
        if mine.exists():
            return
    raise AssertionError("the worker had no photo in hand whenever it was looked at")


def _worker_told(site: httpx.Client) -> bool:
    """Whether the site says that a worker makes progress."""
    return bool(site.get("/readyz").json()["parts"]["worker"]["ok"])


def _well(site: httpx.Client, stack: Stack, *, seconds: float, believable: float | None) -> tuple[float, float]:
    """Until all photos are captioned, and for so long at least, the site raises no alarm and tells no wrong age.

    Returns:
        The longest wait that it told, and how long it took until all were captioned, in seconds.
    """
    begun, longest, took = time.monotonic(), 0.0, 0.0
    while not took or time.monotonic() < begun + seconds:
        assert _worker_told(site), f"an alarm about a worker that is well: {site.get('/readyz').text}"
        longest = max(longest, _longest_wait(believable))
        passed = time.monotonic() - begun
        if not took and not stack.jobs_in_state(State.QUEUED, State.RUNNING):
            took = passed
        assert took or passed < FINISH_SECONDS, f"photos still wait after {passed:.0f} s"
        time.sleep(0.2)
    return longest, took


def _longest_wait(believable: float | None) -> float:
    now = operation()
    waited = now.oldest_waiting_seconds or 0.0
    told = [(each.seen_seconds, each.uptime_seconds, each.last_caption_seconds or 0.0) for each in now.workers]
    works = [ages for each, ages in zip(now.workers, told, strict=True) if each.works]
    assert min(waited, *map(min, told)) >= 0, f"ages below zero: {waited}, {told}"
    assert max(map(max, works)) < HOURS / 2, f"workers of hours: {works}"
    assert believable is None or waited < believable, f"a photo is said to have waited {waited:.0f} s"
    return waited
