"""The database locked (SQLite), or now restarted and its connections cut, now frozen (PostgreSQL), in mid-run.

No photo is lost or doubled, the worker goes on without a restart, and an upload meanwhile is told to try again.
"""

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from django.conf import settings
from django.db import connection

from tests.brokers import wait_until
from tests.chaos.figures import Figures
from tests.chaos.promises import RECOVERY_SECONDS, captioned_once
from tests.databases import Postgres
from tests.processes import WorkerProcess
from tests.stack import Stack
from webapp.captioning.models import CaptionJob

PHOTOS = {"full": 1000, "small": 90}
OUTAGES = {"full": 5, "small": 2}
LOCKED_SECONDS = 23.0  # longer than the 20 that a statement waits for SQLite's lock
CUT = 5  # times that PostgreSQL ends all connections, before it is stopped
FROZEN_SECONDS = 8.0
REFUSED_SECONDS = {"sqlite": LOCKED_SECONDS, "postgresql": 6.0}

State = CaptionJob.State


def run(stack: Stack, scale: str, seed: int) -> Figures:
    chance = random.Random(seed)
    outages = OUTAGES[scale]
    web = stack.web_start()
    worker = stack.worker_start()
    slowest = 0.0
    with stack.client(web) as client:
        for number in range(outages):
            stack.photos_submit(PHOTOS[scale] // outages, lane="bulk")
            _busy(stack, worker)
            time.sleep(chance.uniform(0, 0.3))
            with _locked() if connection.vendor == "sqlite" else (_stopped, _frozen)[number % 2]():
                _upload_refused(client, stack)
            back = time.monotonic()
            _finished(stack, seconds=RECOVERY_SECONDS)
            slowest = max(slowest, time.monotonic() - back)
            stack.all_finished(seconds=120)
        answer = client.post("photos/", files={"file": ("a.jpg", stack.picture())})
    assert answer.status_code == 202, f"the upload afterwards is answered {answer.status_code}: {answer.text[:200]}"
    figures = captioned_once(stack, seconds=60)
    assert worker.running.poll() is None, "the worker ended"
    assert web.running.poll() is None, "the site ended"
    what = "locks" if connection.vendor == "sqlite" else "stops and freezes"
    return Figures(kills=outages, recovery=slowest, note=f"{what}; uploads meanwhile 503", **figures)


def _busy(stack: Stack, worker: WorkerProcess) -> None:
    mine = CaptionJob.objects.filter(worker=worker.name, state=State.RUNNING)
    wait_until(mine.exists, seconds=60, what="a lease")


def _upload_refused(client: httpx.Client, stack: Stack) -> None:
    start = time.monotonic()
    answer = client.post("photos/", files={"file": ("a.jpg", stack.picture())})
    seconds = time.monotonic() - start
    assert answer.status_code == 503, f"an upload is answered {answer.status_code} after {seconds:.1f} s: {answer.text}"
    assert "Try again" in answer.text, answer.text
    assert seconds < REFUSED_SECONDS[connection.vendor], f"an upload is refused after {seconds:.1f} s"


def _finished(stack: Stack, *, seconds: float) -> None:
    """Wait until one more photo is captioned, or all are."""
    before = stack.jobs_in_state(State.DONE)
    wait_until(
        lambda: stack.jobs_in_state(State.DONE) > before or not stack.jobs_in_state(State.QUEUED, State.RUNNING),
        seconds=seconds,
        what="the next caption after the outage",
    )


@contextmanager
def _locked() -> Iterator[None]:
    """Somebody else writes, and takes long."""
    end = time.monotonic() + LOCKED_SECONDS
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, timeout=20)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
        time.sleep(max(0.0, end - time.monotonic()))
        other.execute("ROLLBACK")
    finally:
        other.close()


@contextmanager
def _stopped() -> Iterator[None]:
    """All connections are cut, some times; then the server is away."""
    for _ in range(CUT):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        time.sleep(0.1)
    connection.close()
    server = Postgres.of(settings.ENV["FOVEA_DATABASE_URL"])
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def _frozen() -> Iterator[None]:
    """It stands still, as on a disk that does not answer, with all connections open."""
    end = time.monotonic() + FROZEN_SECONDS
    with Postgres.of(settings.ENV["FOVEA_DATABASE_URL"]).paused():
        yield
        time.sleep(max(0.0, end - time.monotonic()))
