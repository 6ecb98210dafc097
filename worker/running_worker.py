"""A running worker: its model, batcher, photo sandbox and leases in hand, and its heartbeat."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

from django.conf import settings
from django.db import Error

from webapp.captioning.services.heartbeats import heartbeat_record, heartbeat_remove
from webapp.upkeep.services.database_clock import clock_follow
from worker.batcher import Batcher
from worker.dead_workers import worker_name
from worker.leases_held import LeasesHeld
from worker.loaded_model import LoadedModel, ModelOutOfMemory, device_name
from worker.model_swap import ModelFollower, ModelSlot
from worker.periodic_thread import PeriodicThread
from worker.photo_sandbox import PhotoSandbox

log = logging.getLogger(__name__)

HANG_SECONDS = 120.0  # the longest a healthy micro-batch may take, on a slow machine under load
HEARTBEAT_SECONDS = 5.0
MODEL_WATCH_SECONDS = 2.0


@contextlib.contextmanager
def site_told() -> Iterator[None]:
    """For what a worker writes at its start and its end: if the database fails then, the worker does not."""
    try:
        yield
    except Error as error:
        log.warning("the site is not told how this worker fares: %s", error)


class RunningWorker:
    """
    Args:
        slot: with its model loaded.
        photo_sandbox: opens the files.
        on_fatal: ends the process; gets the reason.
    """

    def __init__(self, slot: ModelSlot, photo_sandbox: PhotoSandbox, *, on_fatal: Callable[[str], None]) -> None:
        self.name = worker_name()
        self.slot = slot
        self.batcher = Batcher(
            max_batch=slot.max_batch,
            max_wait=settings.ENV["FOVEA_WORKER_MAX_WAIT_MS"] / 1000,
            out_of_memory=ModelOutOfMemory,
            hang_seconds=HANG_SECONDS,
            on_fatal=on_fatal,
        )
        self.photo_sandbox = photo_sandbox
        self.held = LeasesHeld()
        self.stopping = threading.Event()
        self.looking = threading.Lock()  # held by the one thread that looks for photos while it waits for others
        self._counts = threading.Lock()
        self._captions = self._failures = 0
        self._follower = ModelFollower(slot)
        heartbeat_remove(name=self.name)  # that of the start: it says that the worker still loads, and an older time
        self.heartbeat()
        self._periodic = [
            PeriodicThread("lease-renewal", self.held.renew, seconds=settings.LEASE_RENEW_SECONDS),
            PeriodicThread("heartbeat", self.heartbeat, seconds=HEARTBEAT_SECONDS),
            PeriodicThread("model-watch", self.model_follow, seconds=MODEL_WATCH_SECONDS),
        ]

    @property
    def model(self) -> LoadedModel:
        assert self.slot.current is not None, "the model is loaded before the worker takes work"
        return self.slot.current

    def counted(self, *, captions: int = 0, failures: int = 0) -> None:
        with self._counts:
            self._captions += captions
            self._failures += failures

    def heartbeat(self) -> None:
        clock_follow()  # first: a worker with a new clock and a start by the old one would look stalled
        heartbeat_record(
            name=self.name,
            device=device_name(self.slot.device),
            model_version_id=self.model.model_version_id,
            captions=self._captions,
            failures=self._failures,
            error=self._follower.error,
        )

    def model_follow(self) -> None:
        """Swap to the active model version if it is another one, and tell the site."""
        if self._follower.follow():
            self.heartbeat()

    def close(self) -> None:
        """The end, after the last task."""
        self.batcher.close()
        for periodic in self._periodic:
            periodic.close()
        self.held.release()
        with site_told():
            heartbeat_remove(name=self.name)


_running: RunningWorker | None = None


def running_worker_set(worker: RunningWorker) -> None:
    """Make it the one that this process's tasks use."""
    global _running
    _running = worker


def running_worker() -> RunningWorker:
    assert _running is not None, "tasks run inside `python -m worker`"
    return _running
