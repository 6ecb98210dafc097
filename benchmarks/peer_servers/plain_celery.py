"""Plain Celery around the same `Captioner`: a task for each photo, no batching, results in the broker.

`PLAIN_BROKER`, `PLAIN_BUNDLE` and `PLAIN_DEVICE` in the environment say where and with what.
"""

from __future__ import annotations

import os
from functools import cache

from celery import Celery, signals

from benchmarks.measuring.captioner_load import captioner_load
from captioner.inference import Captioner
from captioner.preprocessing import photo_pixels

URL = os.environ["PLAIN_BROKER"]
app = Celery("plain", broker=URL, backend=URL)
app.conf.update(worker_prefetch_multiplier=1, task_acks_late=True, worker_proc_alive_timeout=120.0)


@cache
def captioner() -> Captioner:
    """Once in each process of the pool."""
    return captioner_load(os.environ["PLAIN_BUNDLE"], device=os.environ["PLAIN_DEVICE"])


@signals.worker_process_init.connect
def load(**_: object) -> None:
    captioner()


@app.task(name="plain.caption")
def caption(path: str) -> str:
    model = captioner()
    [result] = model.caption_batch([photo_pixels(path, preprocessing=model.preprocessing)])
    return result.text
