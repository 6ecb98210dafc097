"""The way of photos through a worker: leased, decoded in a child process, captioned by the micro-batcher, recorded."""

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError

from captioner.errors import PhotoError
from captioner.inference import CaptionResult
from webapp import jobs
from webapp.captioning.errors import StaleLease
from webapp.captioning.services import leases
from webapp.captioning.services.leases import Lease
from webapp.captioning.services.quarantine import job_harm
from webapp.captioning.services.unsent_messages import waiting_publish
from webapp.processes.sandbox import SandboxError, SandboxHarmed
from worker.batcher import Captioned
from worker.loaded_model import LoadedModel
from worker.result_values import alternatives_values, objects_values, words_values
from worker.running_worker import RunningWorker

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1  # between two looks for interactive photos, while all threads work on bulk photos
GIVE_WAY_SECONDS = 1.0  # then a task ends, so that a stranded photo, a zip or another worker has its turn
RESULT_SECONDS = 300.0  # the batcher's own watchdog is far quicker; this is the last resort


def photos_caption(worker: RunningWorker, *, job_ids: Sequence[int]) -> None:
    """Caption those of the jobs that still wait. A task of interactive photos also captions those that came since."""
    along = max(0, jobs.CHUNK_SIZE - len(job_ids))
    hands = settings.ENV["FOVEA_WORKER_THREADS"]
    taken = leases.jobs_lease(job_ids=job_ids, worker=worker.name, along=along, hands=hands) or _next_ones(worker)
    give_way = time.monotonic() + GIVE_WAY_SECONDS
    while taken:
        finished = _caption(worker, taken)
        if any(lease.queue != jobs.INTERACTIVE for lease in taken):
            return
        leaving = worker.stopping.is_set() or not finished  # else it would take back at once what it has given back
        if (leaving or time.monotonic() > give_way) and (waiting_publish() or leaving):
            return
        taken = _next_ones(worker)


def _next_ones(worker: RunningWorker) -> list[Lease]:
    hands = settings.ENV["FOVEA_WORKER_THREADS"]
    return leases.waiting_lease(worker=worker.name, most=jobs.CHUNK_SIZE, hands=hands)


def _caption(worker: RunningWorker, taken: Sequence[Lease]) -> bool:
    """Caption the leased photos. Those that are not finished are given back. Returns whether all are finished.

    If the machine fails (its database, its disk), the photos are tried again later, uncounted. A photo that fails for
    another reason is not given back: its lease runs out, and that is counted.
    """
    model = worker.model
    worker.held.add(taken)
    try:
        decoded = [(lease, *pair) for lease in taken if (pair := _decode(worker, lease, model)) is not None]
        if decoded and taken[0].queue == jobs.BULK:
            _look_meanwhile(worker, decoded[-1][-1])
        results = [(lease, _result(worker, lease, decode_ms, future)) for lease, decode_ms, future in decoded]
        if captions := {lease: fields for lease, fields in results if fields is not None}:
            _record(worker, captions, model_version_id=model.model_version_id)
    except (OperationalError, InterfaceError):
        worker.held.release(taken, later=True)
        raise
    except Exception:
        worker.held.drop(*taken)
        raise
    return worker.held.release(taken) == 0


def _look_meanwhile(worker: RunningWorker, last: "Future[Captioned]") -> None:
    """Look for interactive photos while the model captions the photos of a bulk. One thread does so at a time.

    Without it, interactive photos would have to wait for a free thread.
    """
    if not worker.looking.acquire(blocking=False):
        return
    give_up = time.monotonic() + RESULT_SECONDS
    try:
        while wait([last], LOOK_SECONDS).not_done and not worker.stopping.is_set() and time.monotonic() < give_up:
            if (others := _next_ones(worker)) and not _caption(worker, others):
                return
    finally:
        worker.looking.release()


def _decode(worker: RunningWorker, lease: Lease, model: LoadedModel) -> "tuple[float, Future[Captioned]] | None":
    """Open the file in a child process and hand its pixels to the batcher. None: there is nothing to wait for.

    A file that harms its child is reported to `job_harm`, which quarantines it the second time.
    """
    if worker.stopping.is_set() or lease not in worker.held:
        return None
    start = time.monotonic()
    try:
        pixels = worker.photo_sandbox.pixels(lease.path, preprocessing=model.preprocessing)
    except PhotoError as error:
        _end(worker, lease, leases.job_fail, code=error.code, message=error.message)
    except SandboxHarmed as error:
        log.warning("job %d: opening %s %s", lease.job_id, lease.path, error)
        _end(worker, lease, job_harm, reason=str(error))
    except (SandboxError, OSError) as error:  # the machine's fault, not the file's
        log.warning("job %d is tried again later: %s", lease.job_id, error)
        worker.held.release([lease], later=True)
    except Exception as error:
        log.exception("job %d: %s", lease.job_id, lease.path)
        _end(worker, lease, leases.job_fail, code="unreadable", message=f"The file cannot be read: {error}")
    else:
        future = worker.batcher.submit(pixels, model=model, interactive=lease.queue != jobs.BULK)
        return (time.monotonic() - start) * 1000, future
    return None


def _result(
    worker: RunningWorker, lease: Lease, decode_ms: float, future: "Future[Captioned]"
) -> dict[str, Any] | None:
    """Wait for the caption and return its fields. None: there is no caption."""
    try:
        captioned = future.result(RESULT_SECONDS)
    except TimeoutError:
        log.error("job %d: no result within %g s", lease.job_id, RESULT_SECONDS)  # noqa: TRY400
        worker.held.drop(lease)
        return None
    except Exception as error:
        log.exception("job %d: the model failed on it, and on nothing else", lease.job_id)
        _end(worker, lease, leases.job_fail, code="model_error", message=f"The model failed on this photo: {error}")
        return None
    timings = {"decode_ms": decode_ms, "wait_ms": captioned.wait_ms, "model_ms": captioned.model_ms}
    return caption_fields(captioned.result) | timings


def _record(worker: RunningWorker, captions: dict[Lease, dict[str, Any]], *, model_version_id: int) -> None:
    lost = leases.captions_record(captions=captions, model_version_id=model_version_id)
    for lease in lost:
        log.warning("dropped a late result: job %d is in other hands", lease.job_id)
    worker.counted(captions=len(captions) - len(lost))
    worker.held.drop(*captions)


def _end(worker: RunningWorker, lease: Lease, write: Any, **values: Any) -> None:
    """End a job without a caption: `write` records the failure or the harm."""
    try:
        write(lease=lease, **values)
    except StaleLease as error:
        log.warning("dropped a late result: %s", error)
    else:
        worker.counted(failures=1)
    worker.held.drop(lease)


def caption_fields(result: CaptionResult) -> dict[str, Any]:
    """A result as the fields of a `Caption` row."""
    return {
        "text": result.text,
        "confidence": result.confidence,
        "words": words_values(result),
        "alternatives": alternatives_values(result),
        "seen_objects": objects_values(result),
        "attention": result.attention.tobytes(),
        "attention_shape": list(result.attention.shape),
    }
