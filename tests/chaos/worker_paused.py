"""Two workers under load; one stands still until the other has its photos: its late writes are refused."""

import random
import time
from typing import Any

from django.db import OperationalError, connection, transaction

from tests.brokers import wait_until
from tests.chaos.figures import Figures
from tests.chaos.promises import RECOVERY_SECONDS, captioned_once
from tests.processes import WorkerProcess
from tests.stack import Stack
from webapp.captioning.models import Caption, CaptionJob, WorkerHeartbeat

PHOTOS = {"full": 500, "small": 60}
PAUSES = {"full": 5, "small": 1}


def run(stack: Stack, scale: str, seed: int) -> Figures:
    chance = random.Random(seed)
    workers = stack.workers_start(2)
    recovery, late_photos = 0.0, 0
    for pause in range(PAUSES[scale]):
        late = workers[pause % 2]
        in_hand = _pause_with_photos_in_hand(stack, late, chance, photos=PHOTOS[scale] // PAUSES[scale])
        start = time.monotonic()
        wait_until(
            lambda: _done_by_another(in_hand, late),  # noqa: B023
            seconds=RECOVERY_SECONDS,
            what="the other worker's captions",
        )
        recovery, late_photos = max(recovery, time.monotonic() - start), late_photos + len(in_hand)
        before = _captions(in_hand)
        late.resume()
        _consumes_again(stack, late)
        assert _captions(in_hand) == before, "a late write changed a row"
    counts = captioned_once(stack, seconds=60)
    wait_until(lambda: _counted() == Caption.objects.count(), what="as many captions counted by workers as are stored")
    refused = sum(worker.log.count("dropped a late result") for worker in workers)
    note = f"kills: pauses, with {late_photos} photos in hand; {refused} writes refused, the rest dropped before"
    return Figures(kills=PAUSES[scale], recovery=recovery, note=note, **counts)


def _pause_with_photos_in_hand(stack: Stack, late: WorkerProcess, chance: random.Random, *, photos: int) -> list[int]:
    """Ids of the jobs that it had when it was stopped."""
    held = CaptionJob.objects.filter(worker=late.name, state=CaptionJob.State.RUNNING)
    for _ in range(20):
        stack.photos_submit(photos, lane="bulk")
        wait_until(lambda: held.exists() or not stack.jobs_in_state("queued"), what="a lease")
        time.sleep(chance.uniform(0, 0.1))
        late.pause()
        in_hand = list(held.values_list("id", flat=True))
        if in_hand and _unlocked(in_hand):
            return in_hand
        late.resume()
    raise AssertionError("the worker had no photo in hand, or a transaction under way, whenever it was paused")


def _unlocked(in_hand: list[int]) -> bool:
    """Whether the paused worker stands outside of any transaction: inside of one, nobody can take its rows over."""
    with connection.cursor() as cursor:
        try:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA busy_timeout = 300")
            with transaction.atomic():  # on SQLite this takes the lock that there is for all rows
                list(CaptionJob.objects.select_for_update(nowait=True).filter(id__in=in_hand))
        except OperationalError:
            return False
        finally:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA busy_timeout = 20000")
    return True


def _done_by_another(in_hand: list[int], late: WorkerProcess) -> bool:
    done = CaptionJob.objects.filter(id__in=in_hand, state=CaptionJob.State.DONE).exclude(worker=late.name)
    return done.count() == len(in_hand)


def _captions(in_hand: list[int]) -> Any:
    captions = Caption.objects.filter(photo__job__in=in_hand)
    return sorted(captions.values_list("id", "photo", "text", "created_at", "photo__job__worker", "photo__job__token"))


def _consumes_again(stack: Stack, late: WorkerProcess) -> None:
    """It works on, once it is done with what was in its hands."""
    former = list(CaptionJob.objects.values_list("id", flat=True))
    again = CaptionJob.objects.filter(worker=late.name).exclude(id__in=former)

    def consumes() -> bool:
        stack.photos_submit(4)
        return again.exists()

    wait_until(consumes, seconds=RECOVERY_SECONDS, what="the resumed worker's next lease")


def _counted() -> int:
    """Captions that the workers say they wrote: what was refused does not count."""
    return sum(WorkerHeartbeat.objects.values_list("captions", flat=True))
