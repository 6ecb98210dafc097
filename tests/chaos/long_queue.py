"""Thousands of photos wait for hours: nothing is published twice, and a stranded photo does not wait behind them."""

import time
from collections import Counter
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import F

from tests.brokers import Broker, wait_until
from tests.chaos.figures import Figures
from tests.chaos.promises import RECOVERY_SECONDS, captioned_once
from tests.hanging_files import pipe_replaced
from tests.stack import Stack
from tests.webapp.job_rows import together
from webapp import jobs
from webapp.captioning.models import CaptionJob
from webapp.captioning.services.lost_jobs import SETTLED_SECONDS
from webapp.upkeep.services.lost_work_sweep import sweep

PHOTOS = {"full": 10_000, "small": 700}
SWEEPS = 6  # while nobody takes anything
AT_A_TIME = 4

State = CaptionJob.State


def run(stack: Stack, scale: str, seed: int) -> Figures:
    """`seed` is of no use: the order is the queue's."""
    worker = stack.worker_start()
    (stranded,) = stack.photos_submit(1, lane="bulk", publish=False)
    with pipe_replaced(settings.MEDIA_ROOT / CaptionJob.objects.get(pk=stranded).photo.original):
        stack.jobs_publish([stranded], lane="bulk")
        wait_until(lambda: stack.jobs_in_state(State.RUNNING), what="the lease")
        worker.kill()
    ids = stack.photos_submit(PHOTOS[scale], lane="bulk")
    CaptionJob.objects.update(queued_at=F("queued_at") - timedelta(hours=3))
    time.sleep(settings.LEASE_SECONDS + 1)
    for _ in range(SWEEPS):
        _sweep(AT_A_TIME)
        time.sleep(SETTLED_SECONDS / 2)
    messages = Counter(stack.jobs_published())
    assert messages == Counter([stranded, *ids]), f"{_doubled(messages)} messages too many for {len(messages)} photos"

    assert _published(stack.broker) >= len(ids) / jobs.CHUNK_SIZE, "messages are not counted"
    stack.broker.command("CONFIG", "RESETSTAT")
    worker.start()
    worker.ready()
    start = time.monotonic()
    wait_until(lambda: CaptionJob.objects.get(pk=stranded).state == State.DONE, seconds=60, what="the stranded photo")
    recovery = time.monotonic() - start
    assert recovery <= RECOVERY_SECONDS, f"the stranded photo waited {recovery:.1f} s"
    passed = CaptionJob.objects.filter(
        pk__in=ids, started_at__lt=CaptionJob.objects.values("started_at").get(pk=stranded)["started_at"]
    ).count()
    # All hands ask for their first leases at once, and SQLite's lock knows no turns: one may get a second chunk first.
    at_once = 2 * settings.ENV["FOVEA_WORKER_THREADS"] * jobs.CHUNK_SIZE
    assert passed <= at_once, f"{passed} photos passed the stranded one"
    while stack.jobs_in_state(State.QUEUED, State.RUNNING):  # five times as often as a worker sweeps
        _sweep(1)
        time.sleep(settings.SWEEP_SECONDS / 5)
    again = _published(stack.broker)
    drained = time.monotonic() - start
    assert again == 0, f"{again} messages were published for photos in a worker's hands"
    note = f"{passed} photos passed the stranded one; {len(ids) / drained:.0f} photos a second"
    return Figures(kills=1, recovery=recovery, note=note, **captioned_once(stack, seconds=60))


def _sweep(at_a_time: int) -> None:
    def sweep_once() -> None:
        sweep()
        connection.close()

    together([sweep_once] * at_a_time)


def _doubled(messages: "Counter[int]") -> int:
    return messages.total() - len(messages)


def _published(broker: Broker) -> int:
    """Messages that were put into queues since the statistics were reset."""
    lines = broker.command("INFO", "commandstats").decode().splitlines()
    calls = [line.partition("calls=")[2].partition(",")[0] for line in lines if line.startswith("cmdstat_lpush:")]
    return int(calls[0]) if calls else 0
