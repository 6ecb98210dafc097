"""`python -m worker`: load the model, then take work. Exit statuses: worker_stop.py.

The child processes that open files import this module too, so it imports nothing heavy by itself.
"""

import logging
import os

from worker.worker_start import worker_run
from worker.worker_stop import Exit, process_leave

log = logging.getLogger("worker")


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    import django

    django.setup()
    from django.conf import settings

    from webapp.jobs import broker_missing

    if message := broker_missing():
        log.error("%s", message)
        return Exit.FAILED
    from worker.model_swap import ModelSlot

    device, max_batch = settings.ENV["FOVEA_DEVICE"], settings.ENV["FOVEA_WORKER_MAX_BATCH"]
    return worker_run(ModelSlot(device=device, max_batch=max_batch, exports=settings.CACHE_DIR))


if __name__ == "__main__":
    process_leave(main())
