"""A whole `make run` survives a disk that is filled to its last byte, again and again."""

import itertools
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.disks import Disk, small_disk
from tests.launcher.make_run import Run, wait_for
from tests.photos import picture
from webapp.env import BASE_DIR

MEGABYTES = 192
PHOTOS = 20  # in each cycle
LAST_BYTE_SECONDS = 4.0
KILLS = 2  # of the worker in each cycle: the supervisor and the launcher have something to log


def site_outlives_full_disk(folder: Path, bundle: Path, *, cycles: int) -> int:
    """In each cycle the disk fills up; then the reserve's room is taken at once too; then there is room again.

    `folder` is empty. Returns the number of refused uploads.
    """
    data = folder / "data"
    data.mkdir()
    with small_disk(data, megabytes=MEGABYTES) as disk:
        run = Run(data, FOVEA_DEFAULT_BUNDLE=str(bundle))
        run.printed = data / "printed.txt"  # what the launcher says finds no room either
        with run.started() as process, visitor(run) as site:
            before = run.processes()
            lasting = {pid for pid, line in before.items() if "-m worker" not in line and "multiprocessing" not in line}
            assert len(lasting) == 3, before  # supervisor, broker, web
            for _ in range(cycles):
                site.cycle(disk)
                assert process.poll() is None, f"the launcher ended: {run.text()}"
                assert lasting <= set(run.processes()), f"not all lived on: {run.text()}"
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    return site.refused


class Visitor:
    """Uploads and counts."""

    def __init__(self, run: Run, client: httpx.Client) -> None:
        self.refused = 0
        self._run, self._client = run, client
        self._seeds = itertools.count()
        self._taken = len(list((BASE_DIR / "samples").glob("*.jpg")))

    def cycle(self, disk: Disk) -> None:
        for _ in range(PHOTOS):
            assert self._upload() == 202
        disk.fill()
        wait_for(lambda: self._upload() == 507, 10, self._run.text)
        self._all_captioned()  # on the full disk: the reserve is theirs
        assert self._upload() == 507
        killed = 0
        started = time.monotonic()
        while (passed := time.monotonic() - started) < LAST_BYTE_SECONDS:
            disk.fill_up()
            self._upload()
            if passed > killed * LAST_BYTE_SECONDS / KILLS:
                killed += 1
                self._worker_kill()
        disk.free()
        wait_for(lambda: self._upload() == 202, 30, self._run.text)
        self._all_captioned()

    def _upload(self) -> int:
        answer = self._client.post("photos/", files={"file": ("photo.jpg", picture(next(self._seeds)))})
        assert answer.status_code in {202, 507}, answer.text
        assert answer.status_code == 202 or "Free some space" in answer.text, answer.text
        self.refused += answer.status_code == 507
        self._taken += answer.status_code == 202
        return answer.status_code

    def _all_captioned(self) -> None:
        wait_for(lambda: self._count("done") == self._taken, 120, lambda: f"{self._taken} taken: {self._run.text()}")
        assert self._count("") == self._taken

    def _count(self, state: str) -> int:
        answer: Any = self._client.get("photos/", params={"page_size": 1, **({"state": state} if state else {})})
        return int(answer.raise_for_status().json()["count"])

    def _worker_kill(self) -> None:
        for pid, line in self._run.processes().items():
            if line.strip().endswith("-m worker"):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def visitor(run: Run) -> Iterator[Visitor]:
    """The first account, once the site and its worker are ready."""
    run.wait_for("The worker is ready")
    password = (run.folder / "secrets" / "admin_password").read_text().strip()
    with httpx.Client(base_url=f"{run.url}/api/v1/", timeout=30, trust_env=False) as client:
        answer = client.post("auth/login/", json={"username": "admin", "password": password})
        client.headers["Authorization"] = f"Token {answer.raise_for_status().json()['token']}"
        yield Visitor(run, client)
