"""`make run` and `make demo`, whole: real broker, web and worker."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from launcher.ports import free_port
from tests.brokers import wait_until
from tests.launcher.make_run import LAUNCHER, Run, answers, wait_for
from tests.photos import picture
from webapp.env import BASE_DIR

pytestmark = pytest.mark.slow


def web_process(run: Run) -> int:
    """The one that is supervised."""
    pattern = f"uvicorn.*{run.environ['FOVEA_PORT']}"
    return int(subprocess.run(["pgrep", "-o", "-f", pattern], capture_output=True, check=True).stdout)


def children_of(web: int) -> set[int]:
    """The processes that serve, where there are several."""
    found = {int(child) for child in Path(f"/proc/{web}/task/{web}/children").read_text().split()}
    return {child for child in found if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()}


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_bundle) -> Iterator[Run]:
    """A site whose worker is ready."""
    run = Run(tmp_path_factory.mktemp("run"), FOVEA_DEFAULT_BUNDLE=str(tiny_bundle))
    with run.started():
        run.wait_for("The worker is ready")
        yield run


@pytest.fixture
def broken_run(tmp_path) -> Run:
    """One whose worker has no bundle, so that it starts fast."""
    return Run(tmp_path / "data", FOVEA_DEFAULT_BUNDLE=str(tmp_path / "none"))


@pytest.fixture
def api(run) -> Iterator[httpx.Client]:
    password = (run.folder / "secrets" / "admin_password").read_text().strip()
    with httpx.Client(base_url=f"{run.url}/api/v1/", timeout=20, trust_env=False) as client:
        answer = client.post("auth/login/", json={"username": "admin", "password": password})
        client.headers["Authorization"] = f"Token {answer.raise_for_status().json()['token']}"
        yield client


def test_run_captions_the_sample_photos_unasked(run, api):
    def captions() -> list[str]:
        photos = api.get("photos/").raise_for_status().json()["results"]
        return [photo["caption"] for photo in photos if photo["state"] == "done" and photo["name"] in samples]

    samples = {path.name for path in (BASE_DIR / "samples").glob("*.jpg")}
    assert len(samples) >= 4
    wait_for(lambda: len(captions()) == len(samples), 60, lambda: str(api.get("photos/").json()))


def test_run_shows_the_password_and_keeps_it_for_its_owner_alone(run):
    path = run.folder / "secrets" / "admin_password"
    assert f"password {path.read_text().strip()} (shown this once" in run.text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_run_keeps_the_broker_password_for_its_owner_alone(run):
    path = run.folder / "broker" / "valkey.conf"
    assert "requirepass" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def manage(run: Run, *arguments: str) -> subprocess.CompletedProcess[str]:
    """By hand, in another terminal: of the site it knows the data folder alone."""
    own = {"FOVEA_BROKER_URL", "FOVEA_DATABASE_URL", "FOVEA_PORT"}
    environ = {name: value for name, value in run.environ.items() if name not in own}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=BASE_DIR, env=environ, capture_output=True, text=True, check=False)


def test_worker_status_beside_a_healthy_run_says_that_all_is_well(run):
    done = manage(run, "worker_status", "--json")
    assert (done.returncode, json.loads(done.stdout)["healthy"]) == (0, True), done.stdout + done.stderr


def test_folder_that_is_submitted_beside_a_run_is_captioned(run, api, tmp_path):
    (tmp_path / "one.jpg").write_bytes(picture(1))
    done = manage(run, "submit_folder", str(tmp_path), "--user", "admin")
    assert done.returncode == 0, done.stderr
    assert "not published" not in done.stderr

    def photos():
        return {photo["name"]: photo["state"] for photo in api.get("photos/").raise_for_status().json()["results"]}

    wait_for(lambda: photos().get("one.jpg") == "done", 60, lambda: str(photos()))


def test_second_run_on_the_same_data_says_so_and_ends(run):
    environ = run.environ | {"FOVEA_PORT": str(free_port())}
    second = subprocess.run([*LAUNCHER, "run"], cwd=BASE_DIR, env=environ, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "already runs on" in second.stdout
    assert httpx.get(f"{run.url}/healthz", trust_env=False).status_code == 200


def test_run_starts_a_killed_web_process_again(run):
    os.kill(web_process(run), signal.SIGKILL)
    run.wait_for("The web ended unexpectedly and was started again")
    wait_for(lambda: answers(run), 60, run.text)


def test_run_with_several_web_processes_serves_again_after_each_was_killed(tmp_path):
    run = Run(tmp_path / "data", FOVEA_DEFAULT_BUNDLE=str(tmp_path / "none"), FOVEA_WEB_PROCESSES="3")
    with run.started():
        run.wait_for("Open http")
        parent = web_process(run)
        first = min(wait_for(lambda: len(found := children_of(parent)) == 3 and found, 60, run.text))
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: len(children_of(parent) - {first}) == 3, 60, run.text)

        before = children_of(parent)
        os.kill(parent, signal.SIGKILL)
        run.wait_for("The web ended unexpectedly and was started again")
        wait_until(lambda: not before & set(run.processes()), what="the end of its children")
        wait_for(lambda: answers(run), 60, run.text)
        wait_for(lambda: len(children_of(web_process(run))) == 3, 60, run.text)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_leaves_nothing_running_when_stopped(broken_run, number):
    with broken_run.started() as process:
        broken_run.wait_for("Open http")
        assert len(broken_run.processes()) >= 4
        process.send_signal(number)
        assert process.wait(60) == 0
    assert broken_run.processes() == {}
    assert not (broken_run.folder / "running.json").exists()
    assert "nothing is left running" in broken_run.text()


def test_run_without_a_bundle_keeps_the_site_up_and_says_why(broken_run):
    with broken_run.started():
        broken_run.wait_for("The worker cannot use its model and is not started again")
        broken_run.wait_for("Open http")
        assert re.search(r"no model bundle at .*none", broken_run.text())
        wait_until(lambda: not any("-m worker" in line for line in broken_run.processes().values()), what="its end")
        assert httpx.get(f"{broken_run.url}/healthz", trust_env=False).status_code == 200
        ready = httpx.get(f"{broken_run.url}/readyz", trust_env=False, timeout=10)
        assert ready.status_code == 503
        assert "No worker is running" in ready.text


def test_run_goes_on_after_its_launcher_was_killed(broken_run):
    with broken_run.started() as process:
        broken_run.wait_for("Open http")
        before = set(broken_run.processes())
        assert len(before) >= 4
        process.kill()
        process.wait()
    with broken_run.started():
        broken_run.wait_for("Open http")
        after = broken_run.processes()
        assert not before & set(after)
        assert sum("valkey-server" in line for line in after.values()) == 1
        assert "First start" not in broken_run.text()


def test_demo_shows_captions_and_leaves_nothing(tiny_bundle):
    environ = os.environ | {"FOVEA_DEFAULT_BUNDLE": str(tiny_bundle)}
    done = subprocess.run([*LAUNCHER, "demo"], cwd=BASE_DIR, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^  coffee\.jpg +\w.* \d\.\d\d +\d+$", done.stdout, flags=re.MULTILINE), done.stdout
    figure = re.search(r"for each word: (\S+)", done.stdout)
    assert figure
    assert (BASE_DIR / figure.group(1)).stat().st_size > 10_000


def test_demo_says_what_failed(tmp_path):
    environ = os.environ | {"FOVEA_DEFAULT_BUNDLE": str(tmp_path / "none")}
    done = subprocess.run([*LAUNCHER, "demo"], cwd=BASE_DIR, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Failed: the worker cannot use its model." in done.stdout
    assert f"no model bundle at {tmp_path}/none" in done.stdout
