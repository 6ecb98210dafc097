"""`/healthz`: this process answers. `/readyz`: what captioning needs is there, each part under its own time-out."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Final

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from webapp import jobs
from webapp.captioning.selectors.workers import Progress, worker_progress
from webapp.data_folder.disk_room import room_notice
from webapp.processes.background_calls import Background

log = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 4.0  # for all parts together: they run side by side
LOCK_SECONDS: Final = 2


class NotReady(Exception):
    """A part that does not work: what is wrong with it, and the remedy."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class Probe:
    """One part's check, under a time-out."""

    def __init__(self, name: str, check: Callable[[], str], *, silent: str) -> None:
        self.name = name
        self._silent = silent  # the remedy where no answer comes
        self.start = Background(check, name=f"readyz-{name}").start

    def report(self, future: Future[str], *, seconds: float) -> dict[str, object]:
        """What the check found, waiting at most `seconds` for it."""
        try:
            return {"ok": True, "detail": future.result(timeout=max(seconds, 0))}
        except NotReady as error:
            return {"ok": False, "error": str(error), "remedy": error.remedy}
        except FutureTimeoutError:
            return {"ok": False, "error": f"no answer within {TIMEOUT_SECONDS:.0f} s", "remedy": self._silent}
        except Exception as error:
            log.exception("The readiness check of %s failed", self.name)
            return {"ok": False, "error": f"{type(error).__name__}: {error}", "remedy": "see the web process's log"}


def database_check() -> str:
    """Reads, and on SQLite takes and releases the write lock: a database that only reads cannot take an upload."""
    try:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute(f"PRAGMA busy_timeout = {LOCK_SECONDS * 1000}")
                cursor.execute("BEGIN IMMEDIATE")
                cursor.execute("ROLLBACK")
            else:
                cursor.execute("SELECT pg_is_in_recovery()")
                if cursor.fetchone() == (True,):
                    raise NotReady(
                        "it only reads (in recovery)",
                        "point FOVEA_DATABASE_URL at the primary server, or promote this one",
                    )
    except DatabaseError as error:
        if "locked" in str(error):
            raise NotReady(
                f"it stayed locked for {LOCK_SECONDS} s", "end the process that holds it open in a transaction"
            ) from error
        raise NotReady(
            str(error).strip(),
            "see that the server runs and FOVEA_DATABASE_URL is right, or that FOVEA_DATA_DIR can be written",
        ) from error
    return connection.vendor


def broker_check() -> str:
    """Writes a key that expires: a broker that is full or only reads answers a ping all the same."""
    if missing := jobs.broker_missing():
        raise NotReady(missing, "uploads are kept meanwhile; this process has to be started anew")
    with jobs.app.connection_for_write() as broker:
        try:
            channel: Any = broker.default_channel
            channel.client.set("fovea.readyz", "", ex=60)
        except (BrokerError, RedisError, OSError) as error:
            raise NotReady(
                f"{broker.as_uri()}: {error}",
                "see that it runs, has memory left, and FOVEA_BROKER_URL is right; uploads are kept meanwhile",
            ) from error
        return str(broker.as_uri())


def worker_check() -> str:
    try:
        found = worker_progress()
    except DatabaseError as error:
        raise NotReady(
            f"its heartbeat could not be read: {error}",
            "see the database; `python manage.py migrate` makes missing tables",
        ) from error
    if found.progress is Progress.NO_WORKER:
        raise NotReady(
            found.message, "start one: `make run`, or `docker compose up -d worker`; its log says why it ended"
        )
    if found.progress is Progress.STARTING:
        raise NotReady(found.message, "ask again in a moment; the first start with a model takes the longest")
    if found.stopped:
        raise NotReady(found.message, "see its log and restart the worker; `manage.py worker_status` shows each")
    return found.message or "a worker makes progress"  # one that is stalled is named; others go on


def disk_check() -> str:
    """Whether photos can be taken: the disk may be nearly full."""
    if told := room_notice():
        raise NotReady(told, "free some space on the disk of FOVEA_DATA_DIR; photos that wait are captioned meanwhile")
    return "room for photos"


PROBES: Final = (
    Probe("database", database_check, silent="end what blocks it, or restart the database server"),
    Probe("broker", broker_check, silent="restart the broker; uploads are kept and captioned later"),
    Probe("worker", worker_check, silent="its heartbeat could not be read: see the database"),
    Probe("disk", disk_check, silent="the data folder does not answer: see its disk"),
)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Alive, whatever else is down: touches nothing."""
    return JsonResponse({"status": "alive"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 where photos are captioned; else 503, within five seconds, with the parts that fail and their remedies."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    futures = [(probe, probe.start()) for probe in PROBES]
    parts = {probe.name: probe.report(future, seconds=deadline - time.monotonic()) for probe, future in futures}
    ready = all(part["ok"] for part in parts.values())
    return JsonResponse({"ready": ready, "parts": parts}, status=200 if ready else 503)
