"""How a worker starts: it tells the site, loads the model, starts its periodic threads, then takes work from Celery.

The child processes that open files import this module too, so it imports nothing heavy by itself.
"""

import logging
import warnings
from typing import TYPE_CHECKING

from worker.worker_stop import Exit, drain_start, model_died

if TYPE_CHECKING:
    from worker.model_swap import ModelSlot
    from worker.running_worker import RunningWorker

log = logging.getLogger("worker")

DISK_LOOK_SECONDS = 1.0


def worker_run(slot: "ModelSlot") -> int:
    """Load the model into the slot, and take work until told to stop. Django is set up. Returns the exit status."""
    from captioner.errors import BundleError, DeviceError
    from webapp.captioning.services.heartbeats import heartbeat_record, heartbeat_start
    from webapp.upkeep.services.database_clock import clock_follow
    from worker.dead_workers import worker_name
    from worker.model_registration import NotCopied
    from worker.photo_sandbox import PhotoSandbox
    from worker.running_worker import RunningWorker, site_told

    name, device = worker_name(), slot.device
    with site_told():
        clock_follow()  # first: if the clock was set back, older heartbeats would pass for the newest
        heartbeat_start(name=name, device=device)
    try:
        _model_load(slot)
    except Exception as error:
        with site_told():
            heartbeat_record(name=name, device=device, model_version_id=None, error=str(error))
        if not isinstance(error, (BundleError, DeviceError, NotCopied)):
            raise
        log.error("no model to caption with: %s", error)  # noqa: TRY400  (the message says all)
        return Exit.BAD_BUNDLE if isinstance(error, BundleError) else Exit.FAILED
    sandbox = PhotoSandbox()
    try:
        return _serve(RunningWorker(slot, sandbox, on_fatal=model_died))
    finally:
        sandbox.close()


def _model_load(slot: "ModelSlot") -> None:
    """Load the active model version. If there is none yet, make the default bundle the active one."""
    from django.conf import settings

    from webapp.captioning.selectors.model_versions import model_version_active
    from webapp.captioning.services.model_versions import model_version_activate, model_version_verified
    from worker.model_registration import bundle_register

    active = model_version_active()
    if active is None:
        registered = bundle_register(settings.DEFAULT_BUNDLE)
        slot.swap(slot.load(registered.folder, model_version_id=registered.pk))
        model_version_verified(model_version_id=registered.pk)
        model_version_activate(model_version_id=registered.pk)
    else:
        slot.swap(slot.load(active.folder, model_version_id=active.pk))


def _serve(worker: "RunningWorker") -> int:
    from celery import signals
    from celery.exceptions import SecurityWarning
    from django.conf import settings
    from django.db import connection

    from webapp import jobs
    from webapp.captioning.services.lost_jobs import leases_end
    from webapp.data_folder.disk_room import room_look
    from webapp.upkeep.services.database_clock import LOOK_SECONDS, clock_follow
    from webapp.upkeep.services.lost_work_sweep import sweep
    from webapp.upkeep.services.media_tidying import storage_sweep_hourly
    from worker import tasks  # noqa: F401  (registers them)
    from worker.dead_workers import worker_dead
    from worker.periodic_thread import PeriodicThread
    from worker.running_worker import running_worker_set

    def stop(**_: object) -> None:
        drain_start(worker)

    running_worker_set(worker)
    leases_end(is_dead=worker_dead)  # those of its dead predecessor
    sweep()  # before it takes work itself
    connection.close()  # this thread needs none until the end
    signals.worker_shutting_down.connect(stop, weak=False)
    warnings.simplefilter("ignore", SecurityWarning)  # root is a danger where messages are pickles; ours are JSON
    consumer = jobs.app.Worker(
        consumer_cls="worker.celery_consumer:Consumer",
        pool="threads",
        concurrency=settings.ENV["FOVEA_WORKER_THREADS"],
        queues=list(jobs.QUEUES),
        hostname=f"fovea@{worker.name}",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        task_events=False,
        quiet=True,
    )
    # Each has a thread of its own, so none waits for busy Celery threads or for another. They end with the process; the
    # next sweep does what they leave undone.
    PeriodicThread("clock", clock_follow, seconds=LOOK_SECONDS)
    PeriodicThread("sweep", sweep, seconds=settings.SWEEP_SECONDS)
    PeriodicThread("disk-look", room_look, seconds=DISK_LOOK_SECONDS)
    PeriodicThread("storage-sweep", storage_sweep_hourly, seconds=settings.SWEEP_SECONDS)
    consumer.start()
    worker.close()
    return consumer.exitcode or Exit.STOPPED
