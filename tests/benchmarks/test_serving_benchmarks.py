"""The benchmarks of serving and of the engine run on few photos and a small bundle, and give their rows."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.captioner import engine
from benchmarks.fovea_stack.stack_process import database_missing
from benchmarks.measuring import command_line
from benchmarks.measuring.command_line import rows_measure
from benchmarks.measuring.processor_time import cpu_seconds
from benchmarks.measuring.results_table import Row
from benchmarks.peer_servers.server_start import litserve_missing
from benchmarks.serving import latency, peers, scaling, system, tuning
from tests.missing_services import service_missing

pytestmark = pytest.mark.slow

SMALL = ["--photos", "2", "--rounds", "1", "--served", "40", "--waiting", "256", "--rows", "300"]


@pytest.fixture(autouse=True)
def no_shared_photos(monkeypatch, tmp_path):
    monkeypatch.setattr(command_line, "SHARED", tmp_path / "none")


@pytest.fixture
def small(tiny_bundle: Path) -> list[str]:
    return [*SMALL, "--bundle", str(tiny_bundle), "--databases", "sqlite"]


def measured(measure, argv: list[str]) -> dict[str, Row]:
    return {row.name: row for row in rows_measure(measure, description="", argv=argv)}


def test_system_is_measured_against_the_ceiling_and_profiled(small):
    # One database: the other has nothing of its own in this benchmark, and each takes minutes.
    database = "sqlite" if database_missing("postgresql") else "postgresql"
    name = command_line.DATABASES_NAMED[database]

    rows = measured(system.measure, [*small, "--databases", database])

    assert rows[f"system over ceiling, {name}"].spread.median > 0
    assert rows[f"ingestion, {name}, photos a second"].spread.median > 1
    assert rows[f"{name}, in the model, ms a photo"].spread.median > 0
    assert "worker" in rows[f"{name}, processor, ms a photo"].details


def test_peers_are_measured_with_the_same_photos(small):
    if litserve_missing():
        service_missing("LitServe is not installed (make .venv/installed-peers)")

    rows = measured(peers.measure, small)

    assert set(rows) == {
        "over LitServe, uploads over HTTP",
        "over LitServe, photos taken in before",
        "over plain Celery",
        "over plain Celery with a process a core",
    }


def test_latency_is_measured_idle_and_under_bulk(small):
    rows = measured(latency.measure, small)

    assert 0 < rows["idle, p50, ms"].spread.median <= rows["idle, p95, ms"].spread.median
    assert rows["a full micro-batch, ms"].spread.median > 0
    assert rows["p95 under bulk over a full micro-batch"].at_most


def test_scaling_fills_the_database_and_shares_the_work(small):
    more = ["--served", "192", "--rounds", "3"]  # more chunks than one worker takes in hand
    rows = measured(scaling.measure, [*small, *more])

    assert "300 photos over" in rows["cost of a photo in a full database, SQLite"].details
    assert rows["two workers over one"].spread.median > 1


def test_engine_is_measured_at_each_batch_size_on_two_encoders_and_over_other_ways(small, monkeypatch):
    monkeypatch.setattr(engine, "PHOTOS", 16)

    rows = measured(engine.measure, small)

    assert [row.target for row in rows.values()] == [None, None, 1, 2.5, None, 1, 2.5, None, 1, 1.3, 3.5]
    assert all(row.spread.median > 0 for row in rows.values())


def test_tuning_measures_each_setting_over_the_defaults(small, monkeypatch):
    monkeypatch.setattr(tuning, "VARIANTS", {"FOVEA_WORKER_MAX_BATCH": (4,)})

    rows = measured(tuning.measure, small)

    assert set(rows) == {"FOVEA_WORKER_MAX_BATCH=4, over the defaults"}


def test_cpu_seconds_are_those_of_descendants():
    burn = "import time\nwhile time.process_time() < 0.5: pass\ninput()"
    above = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}, 'uvicorn'])"
    with subprocess.Popen([sys.executable, "-c", above], stdin=subprocess.PIPE) as child:
        used = 0.0
        while used < 0.4:
            used = cpu_seconds(child.pid).get("web", 0.0)
        child.communicate(b"\n")
    assert used < 5
