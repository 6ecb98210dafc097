"""What one worker process is made of: the engine, the batcher, the decoder and the leases in hand."""

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.db import Error

from webapp.captioning.selectors.model_versions import model_version_active
from webapp.captioning.services.heartbeats import heartbeat_record, heartbeat_remove
from webapp.upkeep.services.clock import clock_follow
from worker.batcher import Batcher
from worker.decoding import Decoder
from worker.engine import Engine, EngineOutOfMemory, LoadedModel, device_name
from worker.leasing import LeasesHeld, Periodic

log = logging.getLogger(__name__)

HANG_SECONDS = 120.0  # the longest a healthy micro-batch may take, on a slow machine under load
HEARTBEAT_SECONDS = 5.0
MODEL_WATCH_SECONDS = 2.0
RELOAD_SECONDS = 60.0  # until a model version that did not load is tried again


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


@contextlib.contextmanager
def site_told() -> Iterator[None]:
    """For what a worker writes of its start and its end: neither fails for it where the database is what fails."""
    try:
        yield
    except Error as error:
        log.warning("the site is not told how this worker fares: %s", error)


def worker_dead(name: str) -> bool:
    """Whether a worker is known to be no more: one of this host whose process is gone, or had this process's own number
    before (in a container that is every worker). Said of one that lives, behind the same host name in another
    container, this would cost work done twice, and no more: its writes are refused.
    """
    host, _, pid = name.rpartition(":")
    if host != socket.gethostname() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return int(pid) == os.getpid()


class Runtime:
    """
    Args:
        engine: with its model loaded.
        decoder: opens the files.
        on_fatal: ends the process; gets the reason.
    """

    def __init__(self, engine: Engine, decoder: Decoder, *, on_fatal: Callable[[str], None]) -> None:
        self.name = worker_name()
        self.engine = engine
        self.batcher = Batcher(
            max_batch=engine.max_batch,
            max_wait=settings.ENV["FOVEA_WORKER_MAX_WAIT_MS"] / 1000,
            out_of_memory=EngineOutOfMemory,
            hang_seconds=HANG_SECONDS,
            on_fatal=on_fatal,
        )
        self.decoder = decoder
        self.held = LeasesHeld()
        self.stopping = threading.Event()
        self.looking = threading.Lock()  # of the hand that looks for photos while it waits for others
        self._counts = threading.Lock()
        self._captions = self._failures = 0
        self._refused: int | None = None  # an active model version that did not load
        self._retry_at = 0.0  # what was wrong may pass, such as too little memory
        self._error = ""
        heartbeat_remove(name=self.name)  # it says that the worker loads; and that it started when it began to
        self.heartbeat()
        self._periodic = [
            Periodic("lease-renewal", self.held.renew, seconds=settings.LEASE_RENEW_SECONDS),
            Periodic("heartbeat", self.heartbeat, seconds=HEARTBEAT_SECONDS),
            Periodic("model-watch", self.model_follow, seconds=MODEL_WATCH_SECONDS),
        ]

    @property
    def model(self) -> LoadedModel:
        assert self.engine.current is not None, "the engine is loaded before the worker takes work"
        return self.engine.current

    def counted(self, *, captions: int = 0, failures: int = 0) -> None:
        with self._counts:
            self._captions += captions
            self._failures += failures

    def heartbeat(self) -> None:
        clock_follow()  # first: a worker that beats by a new clock, and was started by the old one, looks stalled
        heartbeat_record(
            name=self.name,
            device=device_name(self.engine.device),
            model_version_id=self.model.model_version_id,
            captions=self._captions,
            failures=self._failures,
            error=self._error,
        )

    def model_follow(self) -> None:
        """Swap to the active model version if it is another one. Until it has loaded, the former one goes on."""
        active = model_version_active()
        if active is None or active.pk == self.model.model_version_id:
            return
        if active.pk == self._refused and time.monotonic() < self._retry_at:
            return
        try:
            self.engine.swap(self.engine.load(active.folder, model_version_id=active.pk))
        except Exception as error:
            log.exception("model version %s does not load; the former one stays in use", active)
            self._refused, self._retry_at = active.pk, time.monotonic() + RELOAD_SECONDS
            self._error = (
                f"{active} does not load, the former model stays in use: {error} It is tried again every minute; "
                "activate another version to end that."
            )
        else:
            self._refused, self._error = None, ""
        self.heartbeat()

    def close(self) -> None:
        """The end, after the last task."""
        self.batcher.close()
        for periodic in self._periodic:
            periodic.close()
        self.held.release()
        with site_told():
            heartbeat_remove(name=self.name)


_running: Runtime | None = None


def runtime_set(runtime: Runtime) -> None:
    """Make it the one that this process's tasks use."""
    global _running
    _running = runtime


def running() -> Runtime:
    assert _running is not None, "tasks run inside `python -m worker`"
    return _running
