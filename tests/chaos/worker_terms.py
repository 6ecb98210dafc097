"""TERM under load, as a deployment sends it: the worker ends within its grace period, loses nothing and leaves nothing.

The last one comes while a file hangs its decoder, so the worker cannot finish what it has in hand and gives it back.
"""

import random
import time

from django.conf import settings

from tests.brokers import wait_until
from tests.chaos.figures import Figures
from tests.chaos.promises import captioned_once
from tests.hanging_files import pipe_replaced
from tests.processes import WorkerProcess, group_processes
from tests.stack import Stack
from webapp.captioning.models import CaptionJob
from worker.worker_stop import DRAIN_SECONDS, Exit

PHOTOS = {"full": 1800, "small": 600}
TERMS = {"full": 6, "small": 2}
MARGIN_SECONDS = 6.0  # five for a database that does not answer

State = CaptionJob.State


def run(stack: Stack, scale: str, seed: int) -> Figures:
    chance = random.Random(seed)
    terms = TERMS[scale]
    worker = stack.worker_start(FOVEA_DECODE_TIMEOUT_SECONDS="600")
    slowest, interrupted = 0.0, 0
    for _ in range(terms - 1):
        share = PHOTOS[scale] // terms
        stack.photos_submit(share, lane="bulk")
        _busy(worker, photos=chance.randrange(share // 3))
        interrupted += stack.jobs_in_state(State.QUEUED, State.RUNNING)
        slowest = max(slowest, _terminate(worker))
        worker.start()
        worker.ready()
    (hanging,) = stack.photos_submit(1, publish=False)
    with pipe_replaced(settings.MEDIA_ROOT / CaptionJob.objects.get(pk=hanging).photo.original):
        stack.jobs_publish([hanging])
        wait_until(lambda: stack.jobs_in_state(State.RUNNING), what="the lease of the file that hangs")
        stack.photos_submit(PHOTOS[scale] // terms, lane="bulk")
        forced = _terminate(worker)
    assert interrupted, "no TERM met a photo that was not finished"
    assert forced > DRAIN_SECONDS / 2, "the file that hangs did not keep the worker"
    assert CaptionJob.objects.get(pk=hanging).harm_count == 0, "the photo was blamed for the end of its worker"
    worker.start()
    figures = captioned_once(stack, seconds=300)
    note = f"{interrupted} photos unfinished; {slowest:.1f} s to end, {forced:.1f} s beside a file that hangs"
    return Figures(kills=terms, recovery=max(slowest, forced), note=note, **figures)


def _busy(worker: WorkerProcess, *, photos: int) -> None:
    """Wait until it has taken its first photo and finished so many: however fast the machine, there is work left."""
    mine = CaptionJob.objects.filter(worker=worker.name)
    finished = mine.filter(state=State.DONE)
    wait_until(lambda: mine.exists() and finished.count() >= photos, what=f"the worker's first {photos} captions")


def _terminate(worker: WorkerProcess) -> float:
    """Seconds from TERM to its end."""
    start = time.monotonic()
    status = worker.terminate(seconds=DRAIN_SECONDS + MARGIN_SECONDS)
    seconds = time.monotonic() - start
    assert status == Exit.STOPPED, f"the worker ended with status {status}"
    wait_until(lambda: not group_processes(worker.running.pid), seconds=2, what="the end of the worker's children")
    held = CaptionJob.objects.filter(worker=worker.name, state=State.RUNNING).count()
    assert not held, f"{held} leases were neither finished nor given back"
    return seconds
