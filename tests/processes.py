"""The product's own processes, as `make run` starts them, on the database of the test that starts them."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import connection

from tests.brokers import wait_until

ROOT = Path(__file__).resolve().parent.parent


class Process:
    """`python -m MODULE` with the test's broker, database and data folder."""

    def __init__(self, module: str, log: Path, **environment: str) -> None:
        self._module, self._log = module, log
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
        return self._log.read_text(encoding="utf-8")

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module], env=self._environment, cwd=ROOT, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """As the kernel would, for lack of memory."""
        self.running.kill()
        self.running.wait()

    def terminate(self, *, seconds: float = 60) -> int:
        """Its exit status after TERM."""
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(seconds)


class WorkerProcess(Process):
    def __init__(self, folder: Path, bundle: Path, **environment: str) -> None:
        super().__init__(
            "worker", folder / "worker.log", FOVEA_DEFAULT_BUNDLE=str(bundle), FOVEA_DECODE_PROCESSES="1", **environment
        )

    def ready(self) -> Self:
        """Wait until it has its model loaded and beats."""
        from webapp.gallery.selectors.workers import workers_alive

        def beats() -> bool:
            assert self.running.poll() is None, self.log
            return bool(workers_alive().filter(name__endswith=f":{self.running.pid}").exists())

        wait_until(beats, seconds=120, what="the worker's first heartbeat")
        return self


def database_url() -> str:
    """The URL of the database that this test uses."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"{settings.ENV['FOVEA_DATABASE_URL'].rsplit('/', 1)[0]}/{name}"
