"""The Celery tasks: each takes ids and calls a service. A thread keeps its database connection unless it is broken."""

import threading

from celery import signals
from django.conf import settings
from django.db import close_old_connections

from webapp import jobs
from webapp.batches.services import zip_unpacking
from worker.caption_pipeline import photos_caption
from worker.model_verification import model_verify
from worker.running_worker import running_worker

# A zip takes a thread for minutes, so most threads are kept for photos. A zip too many waits for the sweep's message.
_unpacking = threading.BoundedSemaphore(max(1, settings.ENV["FOVEA_WORKER_THREADS"] // 4))


for _moment in (signals.task_prerun, signals.task_postrun):
    _moment.connect(close_old_connections)


@jobs.app.task(name=jobs.CAPTION_PHOTOS)
def caption_photos(job_ids: list[int]) -> None:
    photos_caption(running_worker(), job_ids=job_ids)


@jobs.app.task(name=jobs.UNPACK_BATCH)
def unpack_batch(batch_id: int) -> None:
    if _unpacking.acquire(blocking=False):
        try:
            stopping = running_worker().stopping
            zip_unpacking.batch_unpack(batch_id=batch_id, proceed=lambda: not stopping.is_set())
        finally:
            _unpacking.release()


@jobs.app.task(name=jobs.VERIFY_MODEL)
def verify_model(model_version_id: int) -> None:
    model_verify(model_version_id=model_version_id)
