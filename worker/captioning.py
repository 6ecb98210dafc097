"""What a task does with its photos: lease, decode, caption, record."""

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
from webapp.captioning.services.waiting import waiting_publish
from webapp.processes.sandbox import SandboxError, SandboxHarmed
from worker.batcher import Captioned
from worker.engine import LoadedModel
from worker.runtime import Runtime

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1  # between two looks for photos for which people wait, while bulk photos have all hands
GIVE_WAY_SECONDS = 1.0  # to a stranded photo, a zip or another worker, when photos come in one after the other
RESULT_SECONDS = 300.0  # the batcher's own watchdog is far quicker: this is for what nobody thought of


def photos_caption(runtime: Runtime, *, job_ids: Sequence[int]) -> None:
    """Caption those of the jobs that still wait; where people wait for them, also those that come meanwhile."""
    along = max(0, jobs.CHUNK_SIZE - len(job_ids))
    hands = settings.ENV["FOVEA_WORKER_THREADS"]
    taken = leases.jobs_lease(job_ids=job_ids, worker=runtime.name, along=along, hands=hands) or _next_ones(runtime)
    give_way = time.monotonic() + GIVE_WAY_SECONDS
    while taken:
        finished = _caption(runtime, taken)
        if any(lease.queue != jobs.INTERACTIVE for lease in taken):
            return
        leaving = runtime.stopping.is_set() or not finished  # or it would take at once what it has given back
        if (leaving or time.monotonic() > give_way) and (waiting_publish() or leaving):
            return
        taken = _next_ones(runtime)


def _next_ones(runtime: Runtime) -> list[Lease]:
    hands = settings.ENV["FOVEA_WORKER_THREADS"]
    return leases.waiting_lease(worker=runtime.name, most=jobs.CHUNK_SIZE, hands=hands)


def _caption(runtime: Runtime, taken: Sequence[Lease]) -> bool:
    """Whether all are finished. Whatever is not, is given back.

    Where the machine fails, such as its database or its disk, they are tried again later, uncounted. What fails for any
    other reason is not given back: its lease runs out, and is counted.
    """
    model = runtime.model
    runtime.held.add(taken)
    try:
        decoded = [(lease, *pair) for lease in taken if (pair := _decode(runtime, lease, model)) is not None]
        if decoded and taken[0].queue == jobs.BULK:
            _look_meanwhile(runtime, decoded[-1][-1])
        results = [(lease, _result(runtime, lease, decode_ms, future)) for lease, decode_ms, future in decoded]
        if captions := {lease: fields for lease, fields in results if fields is not None}:
            _record(runtime, captions, model_version_id=model.model_version_id)
    except (OperationalError, InterfaceError):
        runtime.held.release(taken, later=True)
        raise
    except Exception:
        runtime.held.drop(*taken)
        raise
    return runtime.held.release(taken) == 0


def _look_meanwhile(runtime: Runtime, last: "Future[Captioned]") -> None:
    """Until the model has captioned the last of a bulk's photos, one of the hands that wait for that looks for photos
    for which people wait, which would else wait for a free hand first."""
    if not runtime.looking.acquire(blocking=False):
        return
    give_up = time.monotonic() + RESULT_SECONDS
    try:
        while wait([last], LOOK_SECONDS).not_done and not runtime.stopping.is_set() and time.monotonic() < give_up:
            if (others := _next_ones(runtime)) and not _caption(runtime, others):
                return
    finally:
        runtime.looking.release()


def _decode(runtime: Runtime, lease: Lease, model: LoadedModel) -> "tuple[float, Future[Captioned]] | None":
    """Open the file and hand its pixels to the batcher; None where there is nothing to wait for."""
    if runtime.stopping.is_set() or lease not in runtime.held:
        return None
    start = time.monotonic()
    try:
        pixels = runtime.decoder.pixels(lease.path, preprocessing=model.preprocessing)
    except PhotoError as error:
        _end(runtime, lease, leases.job_fail, code=error.code, message=error.message)
    except SandboxHarmed as error:
        log.warning("job %d: opening %s %s", lease.job_id, lease.path, error)
        _end(runtime, lease, leases.job_harm, reason=str(error))
    except (SandboxError, OSError) as error:  # the machine's fault, not the file's
        log.warning("job %d is tried again later: %s", lease.job_id, error)
        runtime.held.release([lease], later=True)
    except Exception as error:
        log.exception("job %d: %s", lease.job_id, lease.path)
        _end(runtime, lease, leases.job_fail, code="unreadable", message=f"The file cannot be read: {error}")
    else:
        future = runtime.batcher.submit(pixels, model=model, interactive=lease.queue != jobs.BULK)
        return (time.monotonic() - start) * 1000, future
    return None


def _result(runtime: Runtime, lease: Lease, decode_ms: float, future: "Future[Captioned]") -> dict[str, Any] | None:
    """The caption's fields, once the model has written it; None where there is none."""
    try:
        captioned = future.result(RESULT_SECONDS)
    except TimeoutError:
        log.error("job %d: no result within %g s", lease.job_id, RESULT_SECONDS)  # noqa: TRY400
        runtime.held.drop(lease)
        return None
    except Exception as error:
        log.exception("job %d: the model failed on it, and on nothing else", lease.job_id)
        _end(runtime, lease, leases.job_fail, code="model_error", message=f"The model failed on this photo: {error}")
        return None
    timings = {"decode_ms": decode_ms, "wait_ms": captioned.wait_ms, "model_ms": captioned.model_ms}
    return caption_fields(captioned.result) | timings


def _record(runtime: Runtime, captions: dict[Lease, dict[str, Any]], *, model_version_id: int) -> None:
    lost = leases.captions_record(captions=captions, model_version_id=model_version_id)
    for lease in lost:
        log.warning("dropped a late result: job %d is in other hands", lease.job_id)
    runtime.counted(captions=len(captions) - len(lost))
    runtime.held.drop(*captions)


def _end(runtime: Runtime, lease: Lease, write: Any, **values: Any) -> None:
    """Without a caption."""
    try:
        write(lease=lease, **values)
    except StaleLease as error:
        log.warning("dropped a late result: %s", error)
    else:
        runtime.counted(failures=1)
    runtime.held.drop(lease)


def caption_fields(result: CaptionResult) -> dict[str, Any]:
    """A result as the fields of a `Caption` row."""
    return {
        "text": result.text,
        "confidence": result.confidence,
        "words": [{"text": word.text, "log_probability": word.log_probability} for word in result.words],
        "alternatives": [{"text": each.text, "confidence": each.confidence} for each in result.alternatives],
        "attention": result.attention.tobytes(),
        "attention_shape": list(result.attention.shape),
    }
