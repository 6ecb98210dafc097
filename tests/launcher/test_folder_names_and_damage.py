"""The data folder of `make run`: of any name, whole after a clean stop, and started again though damaged."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from launcher.errors import LaunchError
from launcher.leftover_processes import session_processes
from launcher.start_and_stop import Fovea
from tests.launcher.make_run import Run, wait_for
from webapp.env import BASE_DIR

ODD = "odd [x] \\ \" ' % %(here)s %s ; c # d * ? $HOME ${HOME} {} {0} & <b> | ~ ` ! é 📷 \u200d -x="
ROWS = "SELECT count(*) FROM photos_photo"
DONE = "SELECT count(*) FROM captioning_captionjob WHERE state = 'done'"


def count(database: Path, sql: str) -> int:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        return int(connection.execute(sql).fetchone()[0])


def broker_part(run: Run) -> bool:
    answer = httpx.get(f"{run.url}/readyz", trust_env=False, timeout=10).json()
    return bool(answer["parts"]["broker"]["ok"])


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Run:
    """A run in a folder of an odd name that has captioned the samples, and was stopped. Its cache lies there too."""
    folder = tmp_path_factory.mktemp("odd") / ODD
    run = Run(folder, FOVEA_DEFAULT_BUNDLE=str(tiny_bundle), FOVEA_CACHE_DIR="")
    samples = len(list((BASE_DIR / "samples").glob("*.jpg")))
    with run.started() as process:
        run.wait_for("The worker is ready")
        wait_for(lambda: count(folder / "fovea.sqlite3", DONE) == samples, 60, run.text)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, run.text()
    return run


@pytest.mark.slow
def test_run_captions_in_a_folder_of_any_name(stopped: Run) -> None:
    assert {"media", "models", "logs", "broker", "cache"} <= {path.name for path in stopped.folder.iterdir()}
    assert {path.name for path in stopped.folder.parent.iterdir()} == {ODD, f"{ODD}.txt"}
    assert (stopped.folder / "logs" / "worker.log").stat().st_size


@pytest.mark.slow
def test_database_is_one_file_after_a_clean_stop(stopped: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite3"
    shutil.copyfile(stopped.folder / "fovea.sqlite3", copy)
    assert count(copy, ROWS) == len(list((BASE_DIR / "samples").glob("*.jpg")))
    assert {path.name for path in stopped.folder.glob("fovea.sqlite3*")} == {"fovea.sqlite3"}


@pytest.mark.parametrize(
    ("name", "told"), [("a\nb", r"contains '\\n'"), (os.fsdecode(b"caf\xe9"), "the byte 0xe9, which is no UTF-8")]
)
def test_folder_that_cannot_be_named_is_refused_with_the_character(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(LaunchError, match=f"FOVEA_DATA_DIR=.*{told}; rename the folder") as refusal:
        Fovea({**os.environ, "FOVEA_DATA_DIR": str(tmp_path / name)}, say=print)
    str(refusal.value).encode()


def test_check_refuses_a_folder_that_cannot_be_named(tmp_path: Path) -> None:
    environ = {**os.environ, "FOVEA_DATA_DIR": os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=BASE_DIR, env=environ, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"the byte 0xe9" in done.stderr


@pytest.fixture
def broken_run(tmp_path: Path) -> Run:
    """One whose worker has no bundle, so that it starts fast."""
    return Run(tmp_path / "data", FOVEA_DEFAULT_BUNDLE=str(tmp_path / "none"))


def messages_damage(run: Run) -> None:
    (log,) = (run.folder / "broker" / "appendonlydir").glob("*.incr.aof")
    with log.open("ab") as file:
        file.write(b"\0" * 4096)  # as a power cut or a full disk leaves it


@pytest.mark.slow
def test_run_starts_with_a_broker_whose_messages_are_damaged(broken_run: Run) -> None:
    with broken_run.started():
        broken_run.wait_for("Open http")
    messages_damage(broken_run)
    with broken_run.started():
        broken_run.wait_for("Open http")
        assert "does not start with its kept messages" in broken_run.text()
        assert broker_part(broken_run)
    assert (broken_run.folder / "broker" / "appendonlydir.unreadable").is_dir()


@pytest.mark.slow
def test_broker_that_dies_and_finds_its_messages_damaged_runs_again(broken_run: Run) -> None:
    with broken_run.started():
        broken_run.wait_for("Open http")
        messages_damage(broken_run)
        (broker,) = (pid for pid, line in broken_run.processes().items() if "valkey-server" in line)
        os.kill(broker, signal.SIGKILL)
        broken_run.wait_for("does not start with its kept messages", 60)
        wait_for(lambda: broker_part(broken_run), 60, broken_run.text)


@pytest.mark.slow
def test_run_that_was_killed_starts_with_all_its_rows(broken_run: Run) -> None:
    samples = len(list((BASE_DIR / "samples").glob("*.jpg")))
    with broken_run.started() as process:
        broken_run.wait_for("Open http")
        for session in {os.getsid(pid) for pid in broken_run.processes()}:
            for pid in session_processes(session):
                os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()
    with broken_run.started():
        broken_run.wait_for("Open http")
        assert count(broken_run.folder / "fovea.sqlite3", ROWS) == samples
