"""Liveness and readiness, with a real broker that is killed, frozen and filled, and a real database that is locked."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import wait
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from tests.brokers import Broker, wait_until
from tests.databases import postgres, table_hidden
from tests.webapp.rows import model_version_make, photo_make
from webapp import jobs
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob, WorkerHeartbeat
from webapp.captioning.services.heartbeats import heartbeat_record, heartbeat_start
from webapp.monitoring import health
from webapp.monitoring.health import PROBES
from webapp.upkeep.selectors import media_messages

pytestmark = pytest.mark.django_db(transaction=True)
sqlite_only = pytest.mark.skipif("sqlite3" not in settings.DATABASES["default"]["ENGINE"], reason="SQLite's lock")


@pytest.fixture
def worker(db: None) -> None:
    """A worker that said a moment ago that it has a model."""
    heartbeat_record(name="host-1", device="cpu", model_version_id=model_version_make().pk)


@pytest.fixture(autouse=True)
def _probes_end() -> Iterator[None]:
    """A probe of one test that still runs would answer for the next test."""
    yield
    wait([probe.start() for probe in PROBES], timeout=30)


def readyz(client: Client) -> tuple[int, dict[str, Any]]:
    """Status and parts; fails where the answer took more than the five seconds it may take."""
    begun = time.monotonic()
    response = client.get("/readyz")
    assert time.monotonic() - begun < 5
    return response.status_code, response.json()["parts"]


@pytest.mark.django_db(databases=[])
def test_healthz_is_alive_without_asking_the_database(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}


def test_healthz_answers_are_not_cached(client: Client) -> None:
    assert "no-store" in client.get("/healthz")["Cache-Control"]


def test_healthz_may_not_be_posted_to(client: Client) -> None:
    assert client.post("/healthz").status_code == 405


@pytest.mark.slow
def test_healthz_answers_on_loopback_whatever_hosts_are_allowed() -> None:
    script = """
import django
django.setup()
from django.test import Client
print([Client(headers={"host": host}).get("/healthz").status_code for host in ("127.0.0.1:8000", "evil.example")])
"""
    environment = {**os.environ, "FOVEA_ALLOWED_HOSTS": "photos.example.org"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[200, 400]"


def test_readyz_is_ready_where_all_parts_are(client: Client, broker: Broker, worker: None) -> None:
    status, parts = readyz(client)
    assert (status, {name: part["ok"] for name, part in parts.items()}) == (
        200, {"database": True, "broker": True, "worker": True, "disk": True},
    )  # fmt: skip


def test_readyz_names_a_broker_that_is_down(client: Client, worker: None) -> None:
    status, parts = readyz(client)
    assert status == 503
    assert [name for name, part in parts.items() if not part["ok"]] == ["broker"]
    assert "127.0.0.1:1" in parts["broker"]["error"]
    assert "FOVEA_BROKER_URL" in parts["broker"]["remedy"]


def test_readyz_hides_the_brokers_password(client: Client, worker: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(jobs.app.conf, "broker_url", "redis://:hunter2@127.0.0.1:1/0")
    assert "hunter2" not in str(readyz(client))


def test_readyz_names_a_silent_broker_in_time(client: Client, own_broker: Broker, worker: None) -> None:
    own_broker.freeze()
    status, parts = readyz(client)
    own_broker.thaw()
    assert status == 503
    assert [name for name, part in parts.items() if not part["ok"]] == ["broker"]


def test_readyz_names_a_broker_that_is_full(client: Client, own_broker: Broker, worker: None) -> None:
    own_broker.command("CONFIG SET maxmemory 1")
    status, parts = readyz(client)
    assert status == 503
    assert "memory" in parts["broker"]["error"]


def test_readyz_is_ready_again_after_the_broker_is_back(client: Client, own_broker: Broker, worker: None) -> None:
    own_broker.kill()
    assert readyz(client)[0] == 503
    own_broker.start()
    assert readyz(client)[0] == 200


def test_readyz_names_a_missing_worker(client: Client, broker: Broker) -> None:
    status, parts = readyz(client)
    assert status == 503
    assert "No worker is running" in parts["worker"]["error"]
    assert parts["worker"]["remedy"]


def test_readyz_names_a_worker_as_missing_that_was_seen_hours_from_now(
    client: Client, broker: Broker, worker: None
) -> None:
    WorkerHeartbeat.objects.update(seen_at=Now() + timedelta(hours=2))  # and was killed as the clock was set back
    status, parts = readyz(client)
    assert status == 503
    assert "No worker is running" in parts["worker"]["error"]


def test_readyz_says_that_a_worker_is_starting(client: Client, broker: Broker) -> None:
    heartbeat_start(name="host-1", device="cpu")
    status, parts = readyz(client)
    assert status == 503
    assert "is starting" in parts["worker"]["error"]
    assert "in a moment" in parts["worker"]["remedy"]


def test_readyz_passes_on_why_the_last_worker_ended(client: Client, broker: Broker) -> None:
    heartbeat_record(name="host-1", device="cpu", model_version_id=None, error="vocab.json is missing")
    assert "vocab.json is missing" in readyz(client)[1]["worker"]["error"]


def test_readyz_names_a_worker_without_progress(client: Client, broker: Broker, worker: None, user: User) -> None:
    photo = photo_make(user)
    hour_ago = timezone.now() - timedelta(hours=1)
    WorkerHeartbeat.objects.update(started_at=hour_ago)
    CaptionJob.objects.filter(photo=photo).update(queued_at=hour_ago)
    status, parts = readyz(client)
    assert status == 503
    assert "finished nothing" in parts["worker"]["error"]
    assert "restart" in parts["worker"]["remedy"]


def test_readyz_names_the_one_worker_of_several_that_is_stalled_and_is_ready_by_the_others(
    client: Client, broker: Broker, worker: None, user: User
) -> None:
    hour_ago = timezone.now() - timedelta(hours=1)
    WorkerHeartbeat.objects.update(started_at=hour_ago)
    version = model_version_make()
    for captions in (0, 1):
        heartbeat_record(name="host-2", device="cpu", model_version_id=version.pk, captions=captions)
    CaptionJob.objects.filter(photo=photo_make(user)).update(queued_at=hour_ago)
    status, parts = readyz(client)
    assert status == 200
    assert parts["worker"]["detail"].startswith("host-1 finished nothing")


@sqlite_only
def test_readyz_names_a_locked_database_in_time(client: Client, broker: Broker, worker: None) -> None:
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        status, parts = readyz(client)
    finally:
        other.close()
    assert status == 503
    assert [name for name, part in parts.items() if not part["ok"]] == ["database"]
    assert "locked" in parts["database"]["error"]
    assert "transaction" in parts["database"]["remedy"]


@sqlite_only
def test_readyz_names_missing_tables(client: Client, broker: Broker) -> None:
    with table_hidden(WorkerHeartbeat):
        status, parts = readyz(client)
    assert status == 503
    assert "migrate" in parts["worker"]["remedy"]


def test_probe_that_is_silent_is_given_up_on_and_not_asked_twice() -> None:
    never = threading.Event()
    asked: list[int] = []

    def check() -> str:
        asked.append(1)
        never.wait()
        return "late"

    probe = health.Probe("part", check, silent="restart it")
    first, second = probe.start(), probe.start()
    assert first is second
    report = probe.report(first, seconds=0.01)
    assert (report["ok"], report["remedy"]) == (False, "restart it")
    never.set()
    wait_until(first.done, what="the end of the check")
    assert asked == [1]


def test_probe_that_raises_something_unexpected_is_named(caplog: pytest.LogCaptureFixture) -> None:
    def check() -> str:
        raise ZeroDivisionError("by zero")

    probe = health.Probe("part", check, silent="")
    report = probe.report(probe.start(), seconds=5)
    assert report["error"] == "ZeroDivisionError: by zero"
    assert "part" in caplog.text


@pytest.mark.slow
def test_database_check_on_postgresql_says_when_the_server_is_gone() -> None:
    script = "import django; django.setup(); from webapp.monitoring.health import database_check as c; print(c())"
    with postgres() as url:
        environment = {**os.environ, "FOVEA_DATABASE_URL": url}
        up = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
        )
    down = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert up.stdout.strip() == "postgresql", up.stderr
    assert "NotReady" in down.stderr


@pytest.mark.slow
def test_silent_postgresql_leaves_healthz_alive_and_readyz_in_time() -> None:
    script = """
import json, time, django
django.setup()
from django.test import Client
client = Client(headers={"host": "localhost"})
alive, begun = client.get("/healthz").status_code, time.monotonic()
parts = client.get("/readyz").json()["parts"]
print(json.dumps([alive, time.monotonic() - begun, sorted(name for name in parts if not parts[name]["ok"])]))
"""
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        url = f"postgresql://fovea@127.0.0.1:{silent.getsockname()[1]}/fovea"
        environment = {**os.environ, "FOVEA_DATABASE_URL": url}
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    alive, seconds, failed = json.loads(done.stdout)
    assert alive == 200
    assert seconds < 5
    assert failed == ["broker", "database", "worker"]


def test_readyz_names_a_disk_that_is_nearly_full(
    client: Client, broker: Broker, worker: None, settings, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    (tmp_path / "disk-reserve").touch()  # as it is when it was given up
    status, parts = readyz(client)
    assert (status, parts["disk"]["ok"]) == (503, False)
    assert parts["disk"]["error"] == "The disk is nearly full: uploads are refused. Free some space (64 MB or more)."
    assert media_messages() == [parts["disk"]["error"]]
