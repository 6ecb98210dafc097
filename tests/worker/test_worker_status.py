"""`manage.py worker_status`, with a worker's real parts or its rows."""

import json
import socket
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from tests.brokers import Broker
from tests.databases import table_hidden
from tests.photos import photo_store, picture
from webapp.captioning.models import CaptionJob, ModelVersion, WorkerHeartbeat
from webapp.captioning.selectors.workers import WORKERS_TOLD
from webapp.captioning.services.heartbeats import heartbeat_record, heartbeat_start
from worker.caption_pipeline import photos_caption
from worker.running_worker import RunningWorker

sqlite_only = pytest.mark.skipif("sqlite3" not in settings.DATABASES["default"]["ENGINE"], reason="SQLite's tables")


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What --json prints, whatever its exit status."""
    with suppress(SystemExit):
        call_command("worker_status", "--json")
    return dict(json.loads(capsys.readouterr().out))


def test_worker_status_tells_that_no_worker_runs(db: None, broker: Broker, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        call_command("worker_status")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "No worker is running. Photos are stored, and captioned once a worker starts."
    assert not any(line.startswith("Worker ") for line in lines)


def test_worker_status_as_json_tells_what_the_workers_did(
    running_worker: RunningWorker, broker: Broker, user, capsys: pytest.CaptureFixture[str]
) -> None:
    photos_caption(running_worker, job_ids=[photo_store(user, picture(1)).job.pk])
    photos_caption(running_worker, job_ids=[photo_store(user, b"no picture").job.pk])
    running_worker.heartbeat()
    waiting = photo_store(user, picture(2), lane="bulk")
    status = told(capsys)
    assert (status["healthy"], status["progress"], status["message"]) == (True, "ok", "")
    assert status["queues"] == {"housekeeping": 0, "interactive": 0, "bulk": 0}
    assert (status["waiting"], status["running"], status["failed"]) == ({"interactive": 0, "bulk": 1}, 0, 1)
    assert status["captions_per_minute"] == 1
    assert status["oldest_waiting_seconds"] >= 0
    worker = status["workers"][0]
    assert (worker["name"], worker["state"], worker["device"]) == (running_worker.name, "ok", "cpu")
    assert (worker["captions"], worker["failures"]) == (1, 1)
    assert worker["last_caption_at"] >= worker["started_at"]
    assert waiting.job.state == CaptionJob.State.QUEUED


def test_worker_status_is_a_table_with_aligned_columns(
    model_version: ModelVersion, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, device in (("a:1", "NVIDIA H100"), ("a-longer-name:12345", "cpu")):
        heartbeat_record(name=name, device=device, model_version_id=model_version.pk, captions=1234)
    call_command("worker_status")
    table = capsys.readouterr().out.splitlines()[2:5]
    assert [len(line) for line in table] == [len(table[0])] * 3
    for heading in ("State", "Device", "Model"):
        column = table[0].index(heading)
        assert all(line[column - 2 : column] == "  " and line[column] != " " for line in table)


def test_worker_status_ends_with_1_where_a_worker_is_stalled(
    model_version: ModelVersion, broker: Broker, user, capsys: pytest.CaptureFixture[str]
) -> None:
    heartbeat_record(name="stuck:1", device="cpu", model_version_id=model_version.pk)
    for captions in (0, 1):
        heartbeat_record(name="busy:2", device="cpu", model_version_id=model_version.pk, captions=captions)
    hour_ago = Now() - timedelta(hours=1)
    WorkerHeartbeat.objects.filter(name="stuck:1").update(started_at=hour_ago)
    CaptionJob.objects.filter(photo=photo_store(user, picture(1))).update(queued_at=hour_ago)
    with pytest.raises(SystemExit, match="1"):
        call_command("worker_status")
    out = capsys.readouterr().out
    assert out.startswith("stuck:1 finished nothing for 60 s")
    assert "stuck:1: It runs, but finished nothing" in out
    assert "restart it" in out


def test_worker_status_tells_that_the_broker_is_away(
    running_worker: RunningWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    status = told(capsys)
    assert (status["healthy"], status["queues"]) == (False, None)
    assert "The broker does not answer" in status["message"]


@sqlite_only
def test_worker_status_tells_that_the_database_is_away(transactional_db: None, broker: Broker) -> None:
    with table_hidden(WorkerHeartbeat), pytest.raises(CommandError, match="database does not answer"):
        call_command("worker_status")


def test_runtime_that_starts_forgets_the_row_of_a_former_process(
    running_worker: RunningWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    WorkerHeartbeat.objects.update(started_at=Now() - timedelta(days=1), captions=99)
    deaths: list[str] = []
    successor = RunningWorker(running_worker.slot, running_worker.photo_sandbox, on_fatal=deaths.append)
    row = WorkerHeartbeat.objects.get(name=successor.name)
    successor.close()
    assert row.captions == 0
    assert (row.seen_at - row.started_at).total_seconds() < 60


def here(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = 0
    try:
        call_command("worker_status", "--here")
    except SystemExit as end:
        status = int(end.code or 0)
    return status, capsys.readouterr().out.strip()


def rows_add(version: ModelVersion, *names: str, **changes: Any) -> None:
    for name in names:
        heartbeat_record(name=name, device="cpu", model_version_id=version.pk)
    if changes:
        WorkerHeartbeat.objects.filter(name__in=names).update(**changes)


HERE = f"{socket.gethostname()}:1"
HOUR_AGO = Now() - timedelta(hours=1)


def test_worker_status_here_tells_of_this_machines_worker(model_version: ModelVersion, broker: Broker, capsys) -> None:
    rows_add(model_version, HERE)
    assert here(capsys) == (0, f"{HERE}: idle.")


def test_worker_status_here_without_a_worker_ends_with_1(model_version: ModelVersion, broker: Broker, capsys) -> None:
    rows_add(model_version, "elsewhere:1", f"{socket.gethostname()}-2:1")
    status, said = here(capsys)
    assert status == 1
    assert said.startswith("No worker of this machine")


@pytest.mark.parametrize(("name", "status"), [(HERE, 1), ("elsewhere:1", 0)])
def test_worker_status_here_ends_with_1_where_that_worker_is_stalled(
    name, status, model_version: ModelVersion, broker: Broker, user, capsys
) -> None:
    rows_add(model_version, *{HERE, "elsewhere:1"} - {name})
    rows_add(model_version, name, started_at=HOUR_AGO)
    CaptionJob.objects.filter(photo=photo_store(user, picture(1))).update(queued_at=HOUR_AGO)
    assert here(capsys)[0] == status


def test_worker_status_here_takes_a_worker_that_loads_its_model_for_well(
    model_version: ModelVersion, broker: Broker, capsys
) -> None:
    heartbeat_start(name=HERE, device="cpu")
    assert here(capsys) == (0, f"{HERE}: starting.")


def test_worker_status_here_ends_with_1_where_that_worker_has_no_model(
    model_version: ModelVersion, broker: Broker, capsys
) -> None:
    rows_add(model_version, HERE, model_version=None, error="CUDA is away")
    assert here(capsys) == (1, f"{HERE}: error. CUDA is away")


def test_worker_status_here_forgives_former_processes_of_this_machine(
    model_version: ModelVersion, broker: Broker, capsys
) -> None:
    host = socket.gethostname()
    rows_add(model_version, f"{host}:2", seen_at=HOUR_AGO)
    rows_add(model_version, f"{host}:3", seen_at=HOUR_AGO, model_version=None, error="CUDA is away")
    rows_add(model_version, HERE)
    assert here(capsys)[0] == 0


def test_worker_status_here_finds_its_worker_among_many(model_version: ModelVersion, broker: Broker, capsys) -> None:
    rows_add(model_version, HERE)
    rows_add(model_version, *(f"elsewhere:{pid}" for pid in range(WORKERS_TOLD)))
    assert here(capsys)[0] == 0
