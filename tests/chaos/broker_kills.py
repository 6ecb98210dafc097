"""The broker killed with -9 under load, again and again, its messages gone each time; two workers live on."""

import random
import time
from datetime import UTC, datetime

from tests.chaos.figures import Figures
from tests.chaos.promises import RECOVERY_SECONDS, captioned_once
from tests.processes import WorkerProcess
from tests.stack import Stack
from webapp.captioning.models import CaptionJob

PHOTOS = {"full": 2000, "small": 60}
KILLS = {"full": 12, "small": 2}
OUTAGES = {"full": (0.0, 20.0), "small": (0.0, 2.0)}  # seconds, from … to


def run(stack: Stack, scale: str, seed: int) -> Figures:
    chance = random.Random(seed)
    workers = stack.workers_start(2)
    recovery = 0.0
    for _ in range(KILLS[scale]):
        share = PHOTOS[scale] // KILLS[scale] // 2
        stack.photos_submit(share // 2)
        stack.photos_submit(share - share // 2, lane="bulk")
        time.sleep(chance.uniform(0, 0.5))
        stack.broker.kill()
        time.sleep(chance.uniform(*OUTAGES[scale]))
        stack.broker.start()
        recovery = max(recovery, _all_consume(stack, workers, photos=share))
    counts = captioned_once(stack, seconds=120)
    assert all(worker.running.poll() is None for worker in workers), "a worker ended"
    return Figures(kills=KILLS[scale], recovery=recovery, **counts)


def _all_consume(stack: Stack, workers: list[WorkerProcess], *, photos: int) -> float:
    """Seconds until each worker has taken photos again; they are submitted little by little, so that each gets some."""
    start = time.time()
    since = datetime.fromtimestamp(start, UTC)
    idle = {worker.name for worker in workers}
    while idle:
        assert time.time() - start < RECOVERY_SECONDS, f"{len(idle)} of {len(workers)} workers consume nothing"
        stack.photos_submit(4)
        photos -= 4
        time.sleep(0.2)
        taken = CaptionJob.objects.filter(worker__in=idle, started_at__gt=since)
        idle -= set(taken.values_list("worker", flat=True))
    recovery = time.time() - start
    if photos > 0:
        stack.photos_submit(photos, lane="bulk")
    return recovery
