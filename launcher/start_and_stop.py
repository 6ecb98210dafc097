"""Starts and stops all of Fovea on one machine, in order: broker, migrations, then web and worker."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from launcher.data_folder_lock import data_folder_lock, processes_lock_path
from launcher.embedded_broker import EmbeddedBroker
from launcher.errors import LaunchError
from launcher.ports import free_port, port_check
from launcher.sqlite_checkpoint import database_settle
from launcher.supervision import Program, State, Supervisor
from launcher.web_server import web_command
from webapp import env
from webapp.data_folder.disk_reserve import Reserve
from webapp.data_folder.running_site import RunningSite, running_site_remove, running_site_write, server_database_note
from webapp.databases import sqlite_path

MODEL_UNUSABLE = 3  # exit status of a worker whose bundle is missing, corrupt or incompatible
_WEB_STOP_SECONDS = 8
_WORKER_STOP_SECONDS = 30  # it finishes the photos that the model has in hand, for 25 seconds at most


class Fovea:
    """A context that holds the data folder and runs the programs. When it is left, nothing runs any more.

    `say` gets what happens, line by line. `waiting(seconds)` sleeps; it may raise an exception to end a start early.
    """

    def __init__(
        self, environ: Mapping[str, str], *, say: Callable[[str], None], waiting: Callable[[float], None] = time.sleep
    ) -> None:
        self._values, problems = env.read(environ)
        if problems:
            lines = [f"{problem.name}={problem.value} is not valid: {problem.remedy}." for problem in problems]
            raise LaunchError("\n".join(lines))
        for problem in env.unknown(environ):
            say(f"{problem.name} is set, but nothing reads it: {problem.remedy}")
        self._say = say
        self._waiting = waiting
        self._stack = ExitStack()
        self.data_dir: Path = self._values["FOVEA_DATA_DIR"]
        self.logs = self.data_dir / "logs"
        self.environ = {
            **environ,
            "FOVEA_DATA_DIR": str(self.data_dir),  # absolute: the programs start in another folder
            "DJANGO_SETTINGS_MODULE": "webapp.settings",
            "PYTHONUNBUFFERED": "1",
        }
        self.broker_url: str = self._values["FOVEA_BROKER_URL"]
        self._broker: EmbeddedBroker | None = None  # the embedded one, unless another one is named

    @property
    def url(self) -> str:
        host, port = self._values["FOVEA_HOST"], self._values["FOVEA_PORT"]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  (compared, not bound)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def __enter__(self) -> Self:
        try:
            self._start()
        except OSError as error:
            raise LaunchError(
                f"Fovea cannot start: {error.filename or self.data_dir} could not be written ({error.strerror}). "
                "Free some space if its disk is full, or let this account write there, and start again."
            ) from error
        return self

    def _start(self) -> None:
        with self._stack:
            Reserve(self.data_dir).look()  # first: on a full disk the lock already needs the reserve's room
            self._stack.enter_context(data_folder_lock(self.data_dir))
            port_check(self._values["FOVEA_HOST"], self._values["FOVEA_PORT"])
            if not self.broker_url:
                self._broker = EmbeddedBroker(
                    self.data_dir / "broker", port=free_port(besides=self._values["FOVEA_PORT"])
                )
                self.broker_url = self.environ["FOVEA_BROKER_URL"] = self._broker.url
            stages = [[self._broker.program] if self._broker else [], self._programs()]
            self._stack.callback(running_site_remove, self.data_dir)
            told = RunningSite(os.getpid(), self.broker_url, self._values["FOVEA_DATABASE_URL"])
            running_site_write(self.data_dir, told)
            server_database_note(self.data_dir, told.database_url)
            if database := sqlite_path(told.database_url, data_dir=self.data_dir):
                self._stack.callback(database_settle, database, say=self._say)
            self._supervisor = self._stack.enter_context(
                Supervisor(
                    stages=stages,
                    directory=env.BASE_DIR,
                    logs=self.logs,
                    lock=processes_lock_path(self.data_dir),
                    environ={name: value for name, value in self.environ.items() if name != "FOVEA_ADMIN_PASSWORD"},
                )
            )
            if self._broker:
                self._supervisor.start("broker")
                self._broker_wait(self._broker)
            self._prepare()
            for program in stages[1]:
                self._supervisor.start(program.name)
            self._stack = self._stack.pop_all()  # all went well: keep everything open

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def states(self) -> dict[str, State]:
        """The state of each program by supervisord. Raises LaunchError if supervisord is gone."""
        if not self._supervisor.alive:
            raise LaunchError(f"The supervisor died, and its programs with it; see {self.logs}/supervisor.log")
        states = self._supervisor.states()
        if self._broker:
            self._broker.mend(states["broker"], say=self._say)
        return states

    def stop(self, name: str) -> None:
        self._supervisor.stop(name)

    def log_tail(self, name: str, *, lines: int = 20) -> list[str]:
        try:
            text = (self.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        return [line for line in text.splitlines() if line.strip()][-lines:]

    def answers(self, path: str) -> int:
        """The HTTP status of the site's answer; 0: no answer."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=6) as response:  # noqa: S310  (our own address)
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def _programs(self) -> list[Program]:
        python = [sys.executable, "-m"]
        return [
            Program("web", web_command(self._values), stop_seconds=_WEB_STOP_SECONDS),
            Program("worker", [*python, "worker"], stop_seconds=_WORKER_STOP_SECONDS, final_status=MODEL_UNUSABLE),
        ]

    def _broker_wait(self, broker: EmbeddedBroker) -> None:
        try:
            broker.wait(state=lambda: self._supervisor.states()["broker"], say=self._say, waiting=self._waiting)
        except LaunchError as error:
            raise LaunchError("\n".join([str(error), *self.log_tail("broker", lines=5)])) from error

    def _prepare(self) -> None:
        """Run migrate_and_seed.py in a process of its own."""
        lock = str(processes_lock_path(self.data_dir))
        python = [sys.executable, "-m"]
        command = [*python, "launcher.supervised_child", lock, ".", *python, "launcher.migrate_and_seed"]
        with subprocess.Popen(command, cwd=env.BASE_DIR, env=self.environ, start_new_session=True) as process:
            try:
                while process.poll() is None:
                    self._waiting(0.05)
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            raise LaunchError("The database could not be prepared. The message above says why.")


def model_unusable(worker: State) -> bool:
    return worker.exit_status == MODEL_UNUSABLE and worker.name in {"BACKOFF", "EXITED"}
