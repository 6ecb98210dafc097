"""The product's own processes, as `make run` starts them, on the database of the test that starts them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from django.conf import settings
from django.db import connection

from tests.brokers import free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent


class Process:
    """`python -m MODULE ARGUMENTS…` with the test's broker, database and data folder, leader of a process group."""

    def __init__(self, module: str, log: Path, *arguments: str, **environment: str) -> None:
        self._command, self._log = [sys.executable, "-m", module, *arguments], log
        self._environment = {**os.environ, "FOVEA_DATABASE_URL": database_url(), **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, cwd=ROOT, stdout=log, stderr=log, process_group=0
            )

    def kill(self) -> None:
        """As the kernel would, for lack of memory: it and the children it has, by -9."""
        self.send(signal.SIGKILL)
        self.running.wait()

    def pause(self) -> None:
        """As a laptop that is closed, or a machine that swaps: it stands still with all it has in hand.

        Where it is just starting a child (vfork), the child may stop first, and its parent, which waits for that child
        to become another program, never does: then they go on for a moment.
        """
        how = os.WSTOPPED | os.WEXITED | os.WNOWAIT | os.WNOHANG
        while True:
            self.send(signal.SIGSTOP)
            give_up = time.monotonic() + 1
            while time.monotonic() < give_up:
                if os.waitid(os.P_PID, self.running.pid, how) is not None:
                    return
                time.sleep(0.005)
            self.send(signal.SIGCONT)
            time.sleep(0.05)

    def resume(self) -> None:
        self.send(signal.SIGCONT)

    def send(self, number: int) -> None:
        """To the whole process group, unless it has ended."""
        if self.running.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.running.pid, number)

    def terminate(self, *, seconds: float = 60) -> int:
        """Its exit status after TERM."""
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(seconds)


class WorkerProcess(Process):
    """`program`: the worker's module and its arguments."""

    def __init__(self, log: Path, bundle: Path, *, program: Sequence[str] = ("worker",), **environment: str) -> None:
        environment = {"FOVEA_DEFAULT_BUNDLE": str(bundle), "FOVEA_DECODE_PROCESSES": "1", **environment}
        super().__init__(program[0], log, *program[1:], **environment)

    @property
    def name(self) -> str:
        """As it stands in the rows. A process that is started again has another one."""
        return f"{socket.gethostname()}:{self.running.pid}"

    def ready(self) -> Self:
        """Wait until it has its model loaded and beats."""
        from webapp.captioning.selectors.workers import workers_alive

        def beats() -> bool:
            assert self.running.poll() is None, self.log
            return bool(workers_alive().filter(name=self.name).exists())

        wait_until(beats, seconds=120, what="the worker's first heartbeat")
        return self


class WebProcess(Process):
    """The site, served as it is by the launcher and by compose."""

    def __init__(self, log: Path, **environment: str) -> None:
        port = str(free_port())
        self.url = f"http://127.0.0.1:{port}"
        super().__init__("launcher.web_server", log, FOVEA_HOST="127.0.0.1", FOVEA_PORT=port, **environment)

    def ready(self) -> Self:
        """Wait until it answers."""

        def answers() -> bool:
            assert self.running.poll() is None, self.log
            try:
                return httpx.get(f"{self.url}/healthz", timeout=2, trust_env=False).is_success
            except httpx.HTTPError:
                return False

        wait_until(answers, seconds=60, what="the site's first answer")
        return self


def group_processes(group: int) -> set[int]:
    """The living processes of a process group, orphans included."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            fields = stat.read_text().rpartition(")")[2].split()  # after the name: state, parent, group, …
            if fields[0] not in "ZX" and int(fields[2]) == group:
                found.add(int(stat.parent.name))
    return found


def database_url() -> str:
    """The URL of the database that this process uses."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"{settings.ENV['FOVEA_DATABASE_URL'].rsplit('/', 1)[0]}/{name}"
