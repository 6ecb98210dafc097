"""`/healthz`: this process answers. `/readyz`: every part that captioning needs works. Each check has a time-out."""

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

TIMEOUT_SECONDS: Final = 4.0  # for all parts together: their checks run at the same time
LOCK_SECONDS: Final = 2


class NotReady(Exception):
    """A part does not work: what is wrong, and the remedy."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class Probe:
    """One part's check, under a time-out."""

    def __init__(self, name: str, check: Callable[[], str], *, silent: str) -> None:
        self.name = name
        self._silent = silent  # the remedy if the check does not answer
        self.start = Background(check, name=f"readyz-{name}").start

    def report(self, future: Future[str], *, seconds: float) -> dict[str, object]:
        """The result of the check. Waits at most `seconds` for it."""
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
    """Checks that the database can be written. SQLite: takes the write lock. PostgreSQL: refuses a replica."""
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
                        "it is read-only (a replica in recovery)",
                        "point FOVEA_DATABASE_URL at the primary server, or promote this one",
                    )
    except DatabaseError as error:
        if "locked" in str(error):
            raise NotReady(
                f"it stayed locked for {LOCK_SECONDS} s", "end the process that keeps a transaction open"
            ) from error
        raise NotReady(
            str(error).strip(),
            "check that the database server runs, FOVEA_DATABASE_URL is right and FOVEA_DATA_DIR is writable",
        ) from error
    return connection.vendor


def broker_check() -> str:
    """Writes a key that expires. A full or read-only broker would still answer a ping."""
    if missing := jobs.broker_missing():
        raise NotReady(missing, "start the site, then restart this process; uploads are stored meanwhile")
    with jobs.app.connection_for_write() as broker:
        try:
            channel: Any = broker.default_channel
            channel.client.set("fovea.readyz", "", ex=60)
        except (BrokerError, RedisError, OSError) as error:
            raise NotReady(
                f"{broker.as_uri()}: {error}",
                "check that it runs, has memory left and FOVEA_BROKER_URL is right; uploads are stored meanwhile",
            ) from error
        return str(broker.as_uri())


def worker_check() -> str:
    try:
        found = worker_progress()
    except DatabaseError as error:
        raise NotReady(
            f"its heartbeat could not be read: {error}",
            "check the database; `python manage.py migrate` creates missing tables",
        ) from error
    if found.progress is Progress.NO_WORKER:
        raise NotReady(
            found.message,
            "start one: `make run`, or `docker compose up -d worker`; its log says why the last one ended",
        )
    if found.progress is Progress.STARTING:
        raise NotReady(found.message, "ask again in a moment; the first start with a model takes the longest")
    if found.stopped:
        raise NotReady(found.message, "see its log and restart the worker; `manage.py worker_status` shows each one")
    return found.message or "a worker makes progress"  # the message names a stalled worker while others work


def disk_check() -> str:
    """Whether photos can be stored: the disk may be nearly full."""
    if told := room_notice():
        raise NotReady(told, "free some space on the disk of FOVEA_DATA_DIR; waiting photos are captioned meanwhile")
    return "room for photos"


PROBES: Final = (
    Probe("database", database_check, silent="end the process that blocks it, or restart the database server"),
    Probe("broker", broker_check, silent="restart the broker; uploads are stored now and captioned later"),
    Probe("worker", worker_check, silent="its heartbeat could not be read; check the database"),
    Probe("disk", disk_check, silent="the data folder does not answer; check its disk"),
)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answers while this process is alive. Checks nothing else."""
    return JsonResponse({"status": "alive"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 if photos can be captioned, else 503. Answers within five seconds, and names failed parts with remedies."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    futures = [(probe, probe.start()) for probe in PROBES]
    parts = {probe.name: probe.report(future, seconds=deadline - time.monotonic()) for probe, future in futures}
    ready = all(part["ok"] for part in parts.values())
    return JsonResponse({"ready": ready, "parts": parts}, status=200 if ready else 503)
