"""`/metrics`, read as Prometheus reads it."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from tests.brokers import Broker
from tests.databases import table_hidden
from tests.webapp.rows import caption_make, model_version_make, photo_make
from webapp import jobs
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob, WorkerHeartbeat
from webapp.captioning.services.heartbeats import heartbeat_record

pytestmark = pytest.mark.django_db(transaction=True)
sqlite_only = pytest.mark.skipif("sqlite3" not in settings.DATABASES["default"]["ENGINE"], reason="SQLite's lock")

State = CaptionJob.State


@pytest.fixture
def worker(db: None) -> None:
    """A worker with 12 captions and 3 failures."""
    version = model_version_make(name="default", version="ab" * 32)
    for captions in (11, 12):
        heartbeat_record(name="host:7", device="cpu", model_version_id=version.pk, captions=captions, failures=3)


def scrape(client: Client) -> dict[str, float]:
    """Every sample by its name and labels."""
    response = client.get("/metrics")
    assert response.status_code == 200, response.content
    return {
        f"{sample.name}{json.dumps(sample.labels, sort_keys=True) if sample.labels else ''}": sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


def test_metrics_tell_what_waits(client: Client, broker: Broker, worker: None, user: User) -> None:
    for state, lane, count in (
        ("queued", "interactive", 1), ("queued", "bulk", 2), ("running", "bulk", 3), ("failed", "bulk", 4),
        ("quarantined", "bulk", 5),
    ):  # fmt: skip
        for _ in range(count):
            photo_make(user, state=state, lane=lane)
    caption_make(user, model_version_make())
    jobs.caption_photos_enqueue([1], queue=jobs.BULK)
    samples = scrape(client)
    expected = {
        "fovea_healthy": 1, "fovea_broker_up": 1, 'fovea_photos_waiting{"lane": "interactive"}': 1,
        'fovea_photos_waiting{"lane": "bulk"}': 2, "fovea_photos_running": 3, "fovea_photos_failed": 4,
        "fovea_photos_quarantined": 5, "fovea_captions_per_minute": 1, 'fovea_queue_messages{"queue": "bulk"}': 1,
        'fovea_queue_messages{"queue": "interactive"}': 0,
    }  # fmt: skip
    assert {name: samples[name] for name in expected} == expected
    assert 0 <= samples["fovea_oldest_waiting_seconds"] < 60


def test_metrics_tell_of_each_worker(client: Client, broker: Broker, worker: None) -> None:
    samples = scrape(client)
    labels = '{"device": "cpu", "model_version": "default (abababababab)", "worker": "host:7"}'
    assert samples[f"fovea_worker_up{labels}"] == 1
    assert samples['fovea_captions_total{"worker": "host:7"}'] == 12
    assert samples['fovea_failures_total{"worker": "host:7"}'] == 3
    assert samples['fovea_worker_state{"state": "idle", "worker": "host:7"}'] == 1
    assert samples['fovea_worker_state{"state": "stalled", "worker": "host:7"}'] == 0
    row = WorkerHeartbeat.objects.get()
    times = {"start": row.started_at, "last_seen": row.seen_at, "last_caption": row.last_caption_at}
    for name, moment in times.items():
        assert moment is not None
        sample = samples[f'fovea_worker_{name}_time_seconds{{"worker": "host:7"}}']
        assert sample == pytest.approx(moment.timestamp(), abs=0.01)


def test_metrics_of_an_empty_site_are_whole(client: Client, broker: Broker) -> None:
    samples = scrape(client)
    assert (samples["fovea_healthy"], samples["fovea_oldest_waiting_seconds"]) == (0, 0)
    assert not any(name.startswith("fovea_worker") for name in samples)


def test_metrics_tell_of_a_worker_that_is_gone(client: Client, broker: Broker, worker: None) -> None:
    WorkerHeartbeat.objects.update(seen_at="2026-01-01T00:00:00Z")
    samples = scrape(client)
    assert samples['fovea_worker_state{"state": "gone", "worker": "host:7"}'] == 1
    assert [value for name, value in samples.items() if name.startswith("fovea_worker_up")] == [0]
    assert samples["fovea_healthy"] == 0


def test_metrics_say_what_each_means_and_what_kind_it_is(client: Client, broker: Broker, worker: None) -> None:
    for family in text_string_to_metric_families(client.get("/metrics").content.decode()):
        assert family.documentation.endswith("."), family.name
        assert family.type in {"gauge", "counter"}, family.name
        assert family.name.startswith("fovea_"), family.name


def test_metrics_are_open_metrics_where_that_is_asked_for(client: Client, broker: Broker, worker: None) -> None:
    response = client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert response["Content-Type"].startswith("application/openmetrics-text")
    assert "fovea_captions" in {family.name for family in openmetrics(response.content.decode())}


def test_metrics_name_no_person_and_no_file(client: Client, broker: Broker, worker: None, user: User) -> None:
    photo = photo_make(user, state=State.FAILED, error_message="private words")
    text = client.get("/metrics").content.decode()
    for secret in (user.username, photo.name, photo.sha256, "private words"):
        assert secret not in text


def test_metrics_are_neither_cached_nor_posted_to(client: Client, broker: Broker) -> None:
    assert "no-store" in client.get("/metrics")["Cache-Control"]
    assert client.post("/metrics").status_code == 405


def test_metrics_tell_that_the_broker_is_down(client: Client, worker: None) -> None:
    samples = scrape(client)
    assert (samples["fovea_broker_up"], samples["fovea_healthy"]) == (0, 0)
    assert not any(name.startswith("fovea_queue_messages") for name in samples)


def test_metrics_of_a_silent_broker_come_within_two_seconds(client: Client, own_broker: Broker, worker: None) -> None:
    own_broker.freeze()
    begun = time.monotonic()
    samples = scrape(client)
    taken = time.monotonic() - begun
    own_broker.thaw()
    assert samples["fovea_broker_up"] == 0
    assert taken < 2


@sqlite_only
def test_metrics_are_read_while_the_database_is_locked_for_writing(
    client: Client, broker: Broker, worker: None
) -> None:
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert scrape(client)["fovea_healthy"] == 1
    finally:
        other.close()


@sqlite_only
def test_metrics_without_their_tables_are_unavailable(client: Client, broker: Broker) -> None:
    with table_hidden(WorkerHeartbeat):
        response = client.get("/metrics")
    assert response.status_code == 503
    assert b"database is unavailable" in response.content


SCRAPE = """
import json, time, django
django.setup()
from django.test import Client
begun = time.monotonic()
response = Client(headers={"host": "localhost"}).get("/metrics")
print(json.dumps([response.status_code, response.content.decode(), time.monotonic() - begun]))
"""


def _scraped_from(url: str) -> Any:
    """Status, text and seconds of a scrape by a web process on that database."""
    environment = {**os.environ, "FOVEA_DATABASE_URL": url}
    done = subprocess.run([sys.executable, "-c", SCRAPE], env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.slow
def test_metrics_of_a_database_that_is_down_are_unavailable() -> None:
    status, text, _ = _scraped_from("postgresql://fovea@127.0.0.1:1/fovea")
    assert (status, text.startswith("The database is unavailable")) == (503, True)


@pytest.mark.slow
def test_metrics_of_a_silent_database_are_unavailable_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        status, text, seconds = _scraped_from(f"postgresql://fovea@127.0.0.1:{silent.getsockname()[1]}/fovea")
    assert (status, text.startswith("The database is unavailable")) == (503, True)
    assert seconds < 5
