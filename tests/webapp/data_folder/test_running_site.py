"""What a command beside a running site works with, and what it does where none runs."""

import fcntl
import os
import re
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from launcher.data_folder_lock import data_folder_lock
from tests.brokers import Broker
from tests.processes import ROOT
from webapp import jobs
from webapp.captioning.selectors.operating_state import operation
from webapp.data_folder.running_site import (
    RunningSite,
    running_site,
    running_site_remove,
    running_site_write,
    server_database,
    server_database_note,
)
from webapp.databases import database_parts, sqlite_path
from webapp.monitoring.health import NotReady, broker_check
from webapp.system_checks import running_site_check

SITE = RunningSite(os.getpid(), "redis://:secret@127.0.0.1:6400/0", "")
# Everything this process and its libraries connect to, by the audit hook that sees each socket.
CONNECTS = """
import sys
def told(event, arguments):
    if event == "socket.connect" and "/dev/log" not in str(arguments[1]):
        print("connects to", arguments[1], flush=True)
sys.addaudithook(told)
import django
django.setup()
from webapp import jobs
print(jobs.model_verify_enqueue(1), jobs.queue_lengths())
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Path]:
    """The data folder of a site that runs."""
    with data_folder_lock(tmp_path):
        running_site_write(tmp_path, SITE)
        yield tmp_path


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process as a command on a data folder without a running site."""
    monkeypatch.setitem(jobs.app.conf, "broker_url", "")
    monkeypatch.setattr(jobs.app, "_pool", None)
    monkeypatch.setattr(jobs.app.amqp, "_producer_pool", None)


def environ(folder: Path, **variables: str) -> dict[str, str]:
    """Of a command by hand: it names no broker and no database."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("FOVEA_")}
    return {**rest, "FOVEA_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT), **variables}


def python(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environ(folder, **variables), capture_output=True, text=True, check=False
    )


def test_running_site_is_known_to_others(running: Path) -> None:
    assert running_site(running) == SITE


def test_running_site_that_was_killed_is_none(tmp_path: Path) -> None:
    with data_folder_lock(tmp_path):
        running_site_write(tmp_path, SITE)
    assert running_site(tmp_path) is None


def test_running_site_of_an_earlier_launcher_is_none(tmp_path: Path) -> None:
    running_site_write(tmp_path, RunningSite(os.getpid() + 1, SITE.broker_url, ""))
    with data_folder_lock(tmp_path):
        assert running_site(tmp_path) is None


def test_running_site_that_stopped_is_none(running: Path) -> None:
    running_site_remove(running)
    assert running_site(running) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"process": 1}', "\0"])
def test_running_site_that_cannot_be_read_is_none(running: Path, text: str) -> None:
    (running / "running.json").write_text(text)
    assert running_site(running) is None


def test_running_site_is_for_its_owner_alone(running: Path) -> None:
    assert stat.S_IMODE((running / "running.json").stat().st_mode) == 0o600


def test_start_is_not_hindered_by_a_command_that_looks(tmp_path: Path) -> None:
    with data_folder_lock(tmp_path):
        pass
    with (tmp_path / "launcher.lock").open() as look:
        fcntl.flock(look, fcntl.LOCK_SH)

        def let_go() -> None:
            time.sleep(0.2)
            fcntl.flock(look, fcntl.LOCK_UN)

        thread = threading.Thread(target=let_go)
        thread.start()
        with data_folder_lock(tmp_path):
            thread.join()


def test_command_works_with_the_broker_and_the_database_of_the_running_site(running: Path) -> None:
    running_site_write(running, RunningSite(os.getpid(), SITE.broker_url, "sqlite:////tmp/of-the-site.sqlite3"))
    tell = "from webapp import settings; print(settings.BROKER_URL, settings.DATABASES['default']['NAME'])"
    assert python(running, "-c", tell).stdout.split() == [SITE.broker_url, "/tmp/of-the-site.sqlite3"]


def test_command_without_a_site_connects_to_nobody(tmp_path: Path, broker_process: Broker) -> None:
    foreign = {f"CELERY_BROKER_{kind}URL": broker_process.url for kind in ("", "READ_", "WRITE_")}
    done = python(tmp_path, "-c", CONNECTS, DJANGO_SETTINGS_MODULE="webapp.settings", **foreign)
    assert done.stdout.splitlines() == ["False None"], done.stderr
    assert done.stderr.count("No site runs on the data folder") == 1


def test_message_goes_to_no_broker_of_another_celery(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("", "READ_", "WRITE_"):
        monkeypatch.setenv(f"CELERY_BROKER_{kind}URL", "redis://127.0.0.1:1/0")
    assert jobs.model_verify_enqueue(1)
    assert jobs.queue_lengths() is not None
    assert broker.length(jobs.INTERACTIVE) == 1


def test_worker_without_a_site_says_so_and_ends(tmp_path: Path) -> None:
    done = python(tmp_path, "-m", "worker")
    assert done.returncode == 1
    assert f"No site runs on the data folder {tmp_path}" in done.stderr
    assert "Traceback" not in done.stderr


def test_worker_status_on_an_empty_folder_says_that_no_site_runs_there(tmp_path: Path) -> None:
    done = python(tmp_path, str(ROOT / "manage.py"), "worker_status")
    assert done.returncode == 1
    assert f"No site runs on the data folder {tmp_path}" in done.stderr
    assert "Traceback" not in done.stderr


def test_folder_that_is_submitted_where_no_site_ever_ran_says_so(tmp_path: Path) -> None:
    done = python(tmp_path, str(ROOT / "manage.py"), "submit_folder", str(tmp_path), "--user", "ada")
    assert done.returncode == 1
    assert f"No site runs on the data folder {tmp_path}" in done.stderr
    assert "Traceback" not in done.stderr


def test_worker_status_without_a_site_says_how_to_start_one(
    db: None, no_broker: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="1"):
        call_command("worker_status")
    told = capsys.readouterr().out
    assert f"No site runs on the data folder {settings.DATA_DIR}" in told
    assert "`make run`" in told


def test_operation_without_a_site_blames_no_broker(db: None, no_broker: None) -> None:
    assert "The broker does not answer" not in operation().message


def test_readiness_without_a_broker_says_how_to_start_one(no_broker: None) -> None:
    with pytest.raises(NotReady, match=r"No site runs on the data folder .*`make run`"):
        broker_check()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        (
            "FOVEA_BROKER_URL",
            "redis://:mine@other:6379/1",
            "names redis://other:6379/1, .* uses redis://127.0.0.1:6400/0",
        ),
        ("FOVEA_DATABASE_URL", "postgres://me:mine@db/x", "names postgres://db/x, .* uses SQLite in that folder"),
    ],
)
def test_check_warns_of_a_command_that_works_with_another(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setitem(settings.ENV, "FOVEA_BROKER_URL", "")
    monkeypatch.setitem(settings.ENV, "FOVEA_DATABASE_URL", "")
    monkeypatch.setitem(settings.ENV, name, value)
    with override_settings(RUNNING_SITE=SITE):
        (warning,) = running_site_check(None)
    assert re.search(told, str(warning.msg))
    assert "mine" not in str(warning.msg) + str(warning.hint)
    assert "secret" not in str(warning.msg)
    assert name in str(warning.hint)


def test_check_is_content_with_the_running_sites_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.ENV, "FOVEA_BROKER_URL", SITE.broker_url)
    monkeypatch.setitem(settings.ENV, "FOVEA_DATABASE_URL", f"sqlite:///{settings.DATA_DIR}/fovea.sqlite3")
    with override_settings(RUNNING_SITE=SITE):
        assert running_site_check(None) == []


def test_relative_database_is_the_same_from_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert database_parts("sqlite:///some/x.sqlite3", data_dir=tmp_path)["NAME"] == str(ROOT / "some/x.sqlite3")


@pytest.mark.parametrize(
    ("url", "path"),
    [("", "DATA/fovea.sqlite3"), ("sqlite:////a/b%20c.sqlite3", "/a/b c.sqlite3"), ("postgres://db/x", "None")],
)
def test_sqlite_path_is_that_of_the_settings(url: str, path: str) -> None:
    assert str(sqlite_path(url, data_dir=Path("DATA"))) == path


def test_database_server_of_a_site_is_kept_without_its_password(tmp_path: Path) -> None:
    server_database_note(tmp_path, "postgres://fovea:secret@db.example.org:5433/photos")
    assert server_database(tmp_path) == "postgres://fovea@db.example.org:5433/photos"
    server_database_note(tmp_path, "")
    assert server_database(tmp_path) == ""


def test_command_does_not_make_another_database_beside_the_sites(tmp_path: Path) -> None:
    """The site has stopped, and the command lacks its FOVEA_DATABASE_URL."""
    server_database_note(tmp_path, "postgres://fovea:secret@db.example.org/photos")
    command = [sys.executable, "manage.py", "migrate"]
    done = subprocess.run(command, cwd=ROOT, env=environ(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "keeps its rows in postgres://fovea@db.example.org/photos. Set FOVEA_DATABASE_URL" in done.stderr
    assert not (tmp_path / "fovea.sqlite3").exists()
