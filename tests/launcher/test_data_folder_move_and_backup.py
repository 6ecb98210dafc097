"""A data folder is moved, backed up while the site runs, and restored: every photo is there, and captioning goes on."""

import hashlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.launcher.make_run import Run, wait_for
from tests.photos import picture
from webapp.env import BASE_DIR

pytestmark = pytest.mark.slow


@contextmanager
def site(folder: Path, bundle: Path) -> Iterator[tuple[Run, httpx.Client]]:
    run = Run(folder, FOVEA_DEFAULT_BUNDLE=str(bundle), FOVEA_ADMIN_PASSWORD="correct horse")
    with run.started():
        run.wait_for("The worker is ready")
        with httpx.Client(base_url=f"{run.url}/api/v1/", timeout=20, trust_env=False) as api:
            answer = api.post("auth/login/", json={"username": "admin", "password": "correct horse"})
            api.headers["Authorization"] = f"Token {answer.raise_for_status().json()['token']}"
            yield run, api


def send(api: httpx.Client, seed: int) -> str:
    """Uploads a photo of its own. Returns its sha256."""
    content = picture(seed)
    api.post("photos/", files=[("file", (f"{seed}.jpg", content, "image/jpeg"))]).raise_for_status()
    return hashlib.sha256(content).hexdigest()


def photos(api: httpx.Client) -> dict[str, str]:
    """State by sha256."""
    found: dict[str, str] = {}
    page = "photos/"
    while page:
        body = api.get(page).raise_for_status().json()
        found |= {photo["sha256"]: photo["state"] for photo in body["results"]}
        page = body["next"]
    return found


def originals(folder: Path) -> dict[str, Path]:
    return {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in folder.rglob("original")}


def captioned(api: httpx.Client, sent: set[str]) -> None:
    wait_for(lambda: all(photos(api).get(sha256) == "done" for sha256 in sent), 120, lambda: str(photos(api)))


def test_data_folder_that_was_moved_goes_on(tmp_path: Path, tiny_bundle: Path) -> None:
    (tmp_path / "one").mkdir()
    with site(tmp_path / "one" / "data", tiny_bundle) as (_, api):
        sent = {send(api, seed) for seed in range(5)}
        captioned(api, sent)
    (tmp_path / "one").rename(tmp_path / "elsewhere")
    with site(tmp_path / "elsewhere" / "data", tiny_bundle) as (_, api):
        sent.add(send(api, 99))
        captioned(api, sent)
    assert originals(tmp_path / "elsewhere").keys() >= sent


def test_data_folder_is_backed_up_while_photos_come_in_and_restored(tmp_path: Path, tiny_bundle: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    ended = threading.Event()
    with site(data, tiny_bundle) as (run, api):
        before = {send(api, seed) for seed in range(10)}
        captioned(api, before)

        def upload() -> None:
            seed = 1000
            while not ended.is_set() and seed < 1060:
                send(api, seed)
                seed += 1

        uploading = threading.Thread(target=upload)
        uploading.start()
        try:
            command = [sys.executable, "manage.py", "back_up", str(backup)]
            environ = run.environ | {"DJANGO_SETTINGS_MODULE": "webapp.settings"}
            subprocess.run(command, cwd=BASE_DIR, env=environ, check=True, capture_output=True)
        finally:
            ended.set()
            uploading.join()
    shutil.rmtree(data)  # the disk is lost
    shutil.copytree(backup, data)
    with site(data, tiny_bundle) as (_, api):
        there = photos(api)
        assert there.keys() >= before
        assert originals(data / "media").keys() >= there.keys()
        captioned(api, set(there))
