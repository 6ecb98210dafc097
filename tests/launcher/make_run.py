"""`make run` as a process that a test starts."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from launcher.leftover_processes import session_processes
from launcher.ports import free_port
from webapp.env import BASE_DIR

LAUNCHER = [sys.executable, "-m", "launcher"]


class Run:
    """`python -m launcher run` in a data folder of its own."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.environ = os.environ | {
            "FOVEA_DATA_DIR": str(folder),
            "FOVEA_PORT": str(free_port()),
            "FOVEA_BROKER_URL": "",
            "FOVEA_DATABASE_URL": "",
            **variables,
        }
        self.url = f"http://127.0.0.1:{self.environ['FOVEA_PORT']}"
        self.printed = folder.with_name(f"{folder.name}.txt")
        self._sessions: set[int] = set()  # of its supervisors

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[bytes]]:
        with self.printed.open("wb") as out:
            process = subprocess.Popen(
                [*LAUNCHER, "run"], cwd=BASE_DIR, env=self.environ, stdout=out, stderr=subprocess.STDOUT
            )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)

    def text(self) -> str:
        return self.printed.read_text()

    def wait_for(self, text: str, seconds: float = 120) -> None:
        wait_for(lambda: text in self.text(), seconds, self.text)

    def processes(self) -> dict[int, str]:
        """Command lines of every living process of this run's supervisor, orphans included."""
        mark = f"FOVEA_DATA_DIR={self.folder}\0".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (process / "environ").read_bytes() and os.getsid(int(process.name)) != os.getsid(0):
                    self._sessions.add(os.getsid(int(process.name)))
        found = {}
        for pid in {pid for session in self._sessions for pid in session_processes(session)}:
            with suppress(OSError):
                found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found


def wait_for(condition, seconds, explain=lambda: ""):
    give_up = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < give_up, f"waited {seconds} s: {explain()}"
        time.sleep(0.2)
    return result


def answers(run: Run) -> bool:
    try:
        return httpx.get(f"{run.url}/healthz", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
