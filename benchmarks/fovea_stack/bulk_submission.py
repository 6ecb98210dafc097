"""A bulk submission: take it in, start it, wait for its end, read its clocks. Runs in the stack's process.

Django is imported inside the functions alone: see stack_process.py.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring.processor_time import cpu_seconds

if TYPE_CHECKING:
    from tests.stack import Stack

STALLED_SECONDS = 120.0
BATCH = "benchmark"


@dataclass(frozen=True)
class Run:
    """One run of a bulk through the system.

    Attributes:
        photos: captions written.
        seconds: from the first lease to the last row.
        asked_seconds: from when the bulk was asked for to the last row.
        model_seconds: of these, in the model: the sum over micro-batches.
        batches: micro-batches by their size.
        decode_ms: the median photo's, with its wait for a decoder.
        cpu: seconds of processor time by role of the process.
    """

    photos: int
    seconds: float
    asked_seconds: float
    model_seconds: float
    batches: dict[int, int]
    decode_ms: float
    cpu: dict[str, float]

    @property
    def rate(self) -> float:
        return self.photos / self.seconds


def submit(stack: Stack, paths: Sequence[Path]) -> float:
    """Takes the photos in and publishes them, as `manage.py submit_folder` does. Returns photos a second."""
    from webapp.batches.folder_listing import folder_found
    from webapp.batches.services.submissions import submission_create, submission_take
    from webapp.photos.tally import Tally

    folder = stack.folder / "submission"
    folder.mkdir()
    for number, path in enumerate(paths):
        (folder / f"{number:06}{path.suffix}").symlink_to(path)
    begun = time.perf_counter()
    found, tally = folder_found(folder), Tally()
    batch, _ = submission_create(owner=stack.user, folder=folder, found=found, name=BATCH)
    taken = len(list(submission_take(batch=batch, folder=folder, found=found, tally=tally)))
    seconds = time.perf_counter() - begun
    if taken < len(paths):
        raise RuntimeError(f"{len(paths) - taken} of {len(paths)} photos were not taken in")
    return taken / seconds


def submission_withhold(stack: Stack) -> None:
    """Removes all messages and pauses all waiting photos."""
    from webapp.captioning.models import CaptionJob

    CaptionJob.objects.filter(state="queued").update(state="paused")
    stack.broker.command("FLUSHALL")


def warm_up(stack: Stack) -> None:
    """Has some photos captioned: the worker starts its decoders, and its model sees each size of micro-batch."""
    from webapp import jobs
    from webapp.captioning.services.caption_jobs import jobs_requeue

    first = list(jobs_all(stack).order_by("pk").values_list("pk", flat=True)[: 4 * jobs.CHUNK_SIZE])
    jobs_requeue(jobs_all(stack).filter(pk__in=first), lane=jobs.BULK)
    finish(stack)


def run(stack: Stack, *, workers: int = 1) -> Run:
    """Has all photos of the submission captioned again, from an empty queue."""
    used = cpu_seconds(os.getpid())
    asked = start(stack)
    finish(stack)
    cpu = {role: seconds - used.get(role, 0) for role, seconds in cpu_seconds(os.getpid()).items()}
    found = _run_read(stack, asked=asked, cpu=cpu)
    if len(set(jobs_all(stack).values_list("worker", flat=True))) < workers:
        raise RuntimeError(f"not all of {workers} workers took part")
    return found


def start(stack: Stack) -> float:
    """Deletes the bulk's captions, queues and publishes it. Returns the time of day when that was asked for."""
    from webapp import jobs
    from webapp.captioning.models import Caption
    from webapp.captioning.services.caption_jobs import jobs_requeue
    from webapp.captioning.services.texts import texts_settle

    Caption.objects.filter(photo__owner=stack.user).delete()
    texts_settle(stack.user.photos.values_list("pk", flat=True))
    asked = time.time()
    jobs_requeue(jobs_all(stack), lane=jobs.BULK)
    return asked


def waiting(stack: Stack) -> int:
    """The number of photos of the bulk that no worker has in hand yet."""
    count: int = jobs_all(stack).filter(state="queued").count()
    return count


def full_batch_ms(stack: Stack) -> tuple[list[float], int]:
    """The times of the largest micro-batches by the captions in the database, and their number of photos."""
    from webapp.captioning.models import Caption

    batches = batches_of(Caption.objects.values_list("model_ms", flat=True))
    size = max(batches.values())
    return [ms for ms, photos in batches.items() if photos == size], size


def jobs_all(stack: Stack) -> Any:
    from webapp.captioning.models import CaptionJob

    return CaptionJob.objects.filter(photo__owner=stack.user)


def finish(stack: Stack) -> None:
    """Waits until no photo waits any more. Raises RuntimeError if none came for a long time, or if one failed."""
    left, since = -1, time.monotonic()
    while count := stack.jobs_in_state("queued", "running"):
        if count != left:
            left, since = count, time.monotonic()
        if time.monotonic() - since > STALLED_SECONDS:
            raise RuntimeError(f"{count} photos wait, and none is captioned any more:\n{stack.logs()}")
        time.sleep(0.2)  # the result is read from the rows' clocks, not from this one
    if failed := stack.jobs_in_state("failed", "quarantined"):
        raise RuntimeError(f"{failed} photos failed:\n{stack.logs()}")


def _run_read(stack: Stack, *, asked: float, cpu: dict[str, float]) -> Run:
    import statistics

    from django.db.models import Max, Min

    from webapp.captioning.models import Caption

    clocks = jobs_all(stack).aggregate(first=Min("started_at"), last=Max("finished_at"))
    rows = list(Caption.objects.filter(photo__owner=stack.user).values_list("decode_ms", "model_ms"))
    batches = batches_of(model_ms for _, model_ms in rows)
    return Run(
        photos=len(rows),
        seconds=(clocks["last"] - clocks["first"]).total_seconds(),
        asked_seconds=clocks["last"].timestamp() - asked,
        model_seconds=sum(batches) / 1000,
        batches=dict(sorted(Counter(batches.values()).items())),
        decode_ms=statistics.median(decode_ms for decode_ms, _ in rows),
        cpu=cpu,
    )


def batches_of(model_ms: Iterable[float]) -> Counter[float]:
    """Micro-batches by their time in ms -> their number of photos. No two take the same time to the last bit."""
    return Counter(model_ms)
