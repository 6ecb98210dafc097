"""`python -m worker`: load the model, then take work. Exit statuses: see `Exit`.

Decoding children import this module too, so it imports nothing heavy by itself.
"""

import logging
import multiprocessing
import os
import sys
import warnings
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.engine import Engine
    from worker.runtime import Runtime

log = logging.getLogger("worker")

DISK_LOOK_SECONDS = 1.0
DRAIN_SECONDS = 20.0  # after TERM; then the rest is given back and the process ends


class Exit(IntEnum):
    STOPPED = 0  # as told
    FAILED = 1  # anything else, such as a database that is away: start it again, with backoff
    BAD_BUNDLE = 3  # no model to caption with: starting again does not help, somebody has to act
    MODEL_DIED = 4  # the model hung or broke: start it again


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    import django

    django.setup()
    from django.conf import settings

    from webapp.jobs import broker_missing

    if told := broker_missing():
        log.error("%s", told)
        return Exit.FAILED
    from worker.engine import Engine

    device, max_batch = settings.ENV["FOVEA_DEVICE"], settings.ENV["FOVEA_WORKER_MAX_BATCH"]
    return work(Engine(device=device, max_batch=max_batch, exports=settings.CACHE_DIR))


def work(engine: "Engine") -> int:
    """Load the model into the engine, and take work until told to stop. Django is set up. The exit status."""
    from captioner.errors import BundleError, DeviceError
    from webapp.captioning.services.heartbeats import heartbeat_record, heartbeat_start
    from webapp.upkeep.services.clock import clock_follow
    from worker.decoding import Decoder
    from worker.registration import NotCopied
    from worker.runtime import Runtime, site_told, worker_name

    name, device = worker_name(), engine.device
    with site_told():
        clock_follow()  # first: what its predecessor said by a clock that was set back since would pass for the newest
        heartbeat_start(name=name, device=device)
    try:
        _model_load(engine)
    except Exception as error:
        with site_told():
            heartbeat_record(name=name, device=device, model_version_id=None, error=str(error))
        if not isinstance(error, (BundleError, DeviceError, NotCopied)):
            raise
        log.error("no model to caption with: %s", error)  # noqa: TRY400  (the message says all)
        return Exit.BAD_BUNDLE if isinstance(error, BundleError) else Exit.FAILED
    decoder = Decoder()
    try:
        return _serve(Runtime(engine, decoder, on_fatal=_die))
    finally:
        decoder.close()


def _model_load(engine: "Engine") -> None:
    """Load the active model version; where there is none yet, make the default bundle the active one."""
    from django.conf import settings

    from webapp.captioning.selectors.model_versions import model_version_active
    from webapp.captioning.services.model_versions import model_version_activate, model_version_verified
    from worker.registration import bundle_register

    active = model_version_active()
    if active is None:
        registered = bundle_register(settings.DEFAULT_BUNDLE)
        engine.swap(engine.load(registered.folder, model_version_id=registered.pk))
        model_version_verified(model_version_id=registered.pk)
        model_version_activate(model_version_id=registered.pk)
    else:
        engine.swap(engine.load(active.folder, model_version_id=active.pk))


def _serve(runtime: "Runtime") -> int:
    import threading

    from celery import signals
    from celery.exceptions import SecurityWarning
    from django.conf import settings
    from django.db import connection

    from webapp import jobs
    from webapp.captioning.services.lost_jobs import leases_end
    from webapp.data_folder.disk_room import room_look
    from webapp.upkeep.services.clock import LOOK_SECONDS, clock_follow
    from webapp.upkeep.services.media_tidying import storage_sweep_hourly
    from webapp.upkeep.services.sweep import sweep
    from worker import runtime as runtimes
    from worker import tasks  # noqa: F401  (registers them)
    from worker.leasing import Periodic

    runtimes.runtime_set(runtime)
    leases_end(is_dead=runtimes.worker_dead)  # what its predecessor had in hand
    sweep()  # before it takes work itself
    connection.close()  # of this thread, which needs none until the end

    def give_up() -> None:
        log.warning("not done %g s after TERM; the rest is given back", DRAIN_SECONDS)
        last = threading.Timer(5, _end, [Exit.STOPPED])  # should the database not answer either
        last.daemon = True
        last.start()
        runtime.held.release()
        _end(Exit.STOPPED)

    def stopping(**_: object) -> None:
        runtime.stopping.set()
        timer = threading.Timer(DRAIN_SECONDS, give_up)
        timer.daemon = True
        timer.start()

    signals.worker_shutting_down.connect(stopping, weak=False)
    warnings.simplefilter("ignore", SecurityWarning)  # running as root matters where messages are pickles; ours are not
    consumer = jobs.app.Worker(
        consumer_cls="worker.consumer:Consumer",
        pool="threads",
        concurrency=settings.ENV["FOVEA_WORKER_THREADS"],
        queues=list(jobs.QUEUES),
        hostname=f"fovea@{runtime.name}",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        task_events=False,
        quiet=True,
    )
    # In threads of their own, so that none waits for hands that are all busy, nor for each other. They end with the
    # process: what they leave undone, another sweep does.
    Periodic("clock", clock_follow, seconds=LOOK_SECONDS)
    Periodic("sweep", sweep, seconds=settings.SWEEP_SECONDS)
    Periodic("disk-look", room_look, seconds=DISK_LOOK_SECONDS)
    Periodic("storage-sweep", storage_sweep_hourly, seconds=settings.SWEEP_SECONDS)
    consumer.start()
    runtime.close()
    return consumer.exitcode or Exit.STOPPED


def _die(reason: str) -> None:
    """End at once: a thread that hangs in the model cannot be stopped. The leases run out; others take over."""
    log.critical("%s; this process ends", reason)
    logging.shutdown()
    _end(Exit.MODEL_DIED)


def _end(status: Exit) -> None:
    """End at once, and leave no child behind that hangs in a file."""
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(status)


def leave(status: int) -> None:
    """End this process, now that all is closed: the interpreter would take seconds to take torch's modules apart."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    leave(main())
