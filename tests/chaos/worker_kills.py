"""The worker's process group killed with -9 at random moments under load, and restarted as a supervisor would."""

import random
import time

from tests.brokers import wait_until
from tests.chaos.figures import Figures
from tests.chaos.promises import Strandings, captioned_once, looking
from tests.processes import WorkerProcess
from tests.stack import Stack
from webapp.captioning.models import CaptionJob

PHOTOS = {"full": 2000, "small": 300}
KILLS = {"full": 20, "small": 3}


def run(stack: Stack, scale: str, seed: int) -> Figures:
    chance = random.Random(seed)
    kills = KILLS[scale]
    strandings = Strandings()
    stranded = 0
    started = time.time()
    worker = stack.worker_start()
    for kill in range(kills):
        share = PHOTOS[scale] * (kill + 1) // kills - PHOTOS[scale] * kill // kills
        stack.photos_submit(share - share // 4)  # so many that not each has a message
        stack.photos_submit(share // 4, lane="bulk")
        if chance.random() < 0.8:  # else at any moment, such as while it still starts
            _leases_taken(worker, strandings)
            _finished(stack, strandings, photos=chance.randrange(1 + share // 2))
        else:
            looking(strandings, seconds=chance.uniform(0, 8))
        worker.kill()
        stranded += strandings.died(worker, started=started)
        started = time.time()
        worker.start()
    worker.ready()
    recovery, net = strandings.recovered(worker, started=started)
    note = f"{stranded} photos stranded; {net:.1f} s without the starts of workers"
    return Figures(kills=kills, recovery=recovery, note=note, **captioned_once(stack, seconds=300))


def _leases_taken(worker: WorkerProcess, strandings: Strandings) -> None:
    """Wait until it has taken its first photo since it started."""
    mine = CaptionJob.objects.filter(worker=worker.name)

    def taken() -> bool:
        assert worker.running.poll() is None, "the worker ended by itself"
        strandings.look()
        return mine.exists()

    wait_until(taken, seconds=120, what="the worker's first lease")


def _finished(stack: Stack, strandings: Strandings, *, photos: int) -> None:
    """Wait until so many more are done: however fast the machine, it is killed while there is work."""
    done = stack.jobs_in_state("done") + photos
    give_up = time.monotonic() + 120
    while stack.jobs_in_state("done") < done and stack.jobs_in_state("queued", "running"):
        assert time.monotonic() < give_up, f"{photos} photos were not captioned within 120 s"
        strandings.look()
        time.sleep(0.005)
