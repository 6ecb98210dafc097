"""All of the broker's data wiped while photos wait: two sweeps later all are on their way again."""

import random
import time

from django.conf import settings
from django.db import transaction

from tests.brokers import wait_until
from tests.chaos.figures import Figures
from tests.chaos.promises import captioned_once
from tests.stack import Stack
from webapp.captioning.models import CaptionJob
from webapp.captioning.services.lost_jobs import SETTLED_SECONDS

PHOTOS = {"full": 500, "small": 60}
WITHIN_SECONDS = 2 * settings.SWEEP_SECONDS + 1  # and what a look takes


def run(stack: Stack, scale: str, seed: int) -> Figures:
    chance = random.Random(seed)
    worker = stack.worker_start()
    with transaction.atomic():  # its lock on SQLite is for all: nobody is stopped in mid-write, and locks all out
        worker.pause()  # as if it had its hands full: all wait
    stack.photos_submit(PHOTOS[scale] // 2)
    stack.photos_submit(PHOTOS[scale] - PHOTOS[scale] // 2, lane="bulk")
    time.sleep(SETTLED_SECONDS + chance.uniform(0, settings.SWEEP_SECONDS))
    stack.broker.command("FLUSHALL")
    worker.resume()
    start = time.monotonic()
    wait_until(lambda: _on_their_way(stack), seconds=WITHIN_SECONDS, what="the way of all photos to a worker")
    recovery = time.monotonic() - start
    return Figures(kills=1, recovery=recovery, note="kills: FLUSHALL", **captioned_once(stack, seconds=60))


def _on_their_way(stack: Stack) -> bool:
    """Each has a message in its queue, or is past that."""
    waiting = set(CaptionJob.objects.filter(state=CaptionJob.State.QUEUED).values_list("id", flat=True))
    return waiting <= set(stack.jobs_published())
