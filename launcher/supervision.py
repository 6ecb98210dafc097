"""supervisord keeps the programs running: it starts them in stages, restarts with backoff, stops in reverse order."""

import getpass
import http.client
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

from supervisor.xmlrpc import SupervisorTransport

from launcher.errors import LaunchError
from launcher.leftover_processes import session_end
from webapp.processes.end_with_parent import process_die_with_parent

_RETRIES = 100  # starts that fail at once; the pause before each is a second longer than the last


@dataclass(frozen=True)
class Program:
    """`final_status`: an exit status after which a restart is of no use until a person has repaired something.
    `directory`: where it runs; None: the supervisor's directory."""

    name: str
    command: Sequence[str]
    directory: Path | None = None
    stop_seconds: int = 10
    final_status: int | None = None


@dataclass(frozen=True)
class State:
    """`name` is supervisor's: STARTING RUNNING BACKOFF STOPPING EXITED FATAL STOPPED."""

    name: str
    pid: int
    exit_status: int
    started_at: int


_LOGS = "SUPERVISED_LOGS"
_COMMAND = "SUPERVISED_"  # and the program's name


class Supervisor:
    """supervisord over `stages` of programs. A stage is stopped after all later stages have ended.

    supervisord dies with this process, and its programs die with it. Leaving the context ends what is left of them.
    """

    def __init__(
        self,
        *,
        stages: Sequence[Sequence[Program]],
        directory: Path,
        logs: Path,
        lock: Path,
        environ: Mapping[str, str],
    ) -> None:
        self.stages = stages
        self.directory = directory
        self.logs = logs
        self.lock = lock
        self.environ = environ
        self._groups = {program.name: f"stage{n}" for n, stage in enumerate(stages) for program in stage}

    def __enter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        # A socket's path has 108 bytes at most. The data folder's path may be longer, so the socket is not there.
        self._runtime = Path(tempfile.mkdtemp(prefix="fovea-"))
        configuration = self._runtime / "supervisord.conf"
        configuration.write_text(self._configuration(), encoding="utf-8")
        with (self.logs / "supervisor.err").open("wb") as errors:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "launcher.supervisord_full_disk",
                    "--nodaemon",
                    "--configuration",
                    str(configuration),
                ],
                cwd=self.directory,
                env=dict(self.environ) | self._paths(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,  # Ctrl-C reaches the launcher alone; leftovers are found by this session
                preexec_fn=process_die_with_parent,  # noqa: PLW1509  (no thread runs yet)
            )
        try:
            self._connect()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._transport.close()
        self._process.terminate()
        patience = sum(max(program.stop_seconds for program in stage) for stage in self.stages if stage) + 5
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
        session_end(self._process.pid, patience=2)
        shutil.rmtree(self._runtime, ignore_errors=True)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def start(self, name: str) -> None:
        self._call("startProcess", f"{self._groups[name]}:{name}", False)

    def stop(self, name: str) -> None:
        with suppress(xmlrpc.client.Fault):  # it has stopped in the meantime
            self._call("stopProcess", f"{self._groups[name]}:{name}", False)

    def states(self) -> dict[str, State]:
        return {
            info["name"]: State(info["statename"], info["pid"], info["exitstatus"], info["start"])
            for info in cast(list[dict[str, Any]], self._call("getAllProcessInfo"))
        }

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(self._rpc.supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException) as error:
            raise LaunchError(f"The supervisor does not answer ({error}); see {self.logs}/supervisor.log") from error

    def _connect(self) -> None:
        transport = self._transport = SupervisorTransport(None, None, f"unix://{self._runtime}/socket")
        self._rpc = xmlrpc.client.ServerProxy("http://localhost", transport=transport)
        give_up = time.monotonic() + 20
        while True:
            try:
                self._rpc.supervisor.getState()
            except OSError as error:
                transport.close()
                if not self.alive or time.monotonic() > give_up:
                    said = (self.logs / "supervisor.err").read_text(errors="replace").strip()
                    raise LaunchError(f"The supervisor did not start: {said or error}") from error
                time.sleep(0.05)
            else:
                return

    def _paths(self) -> dict[str, str]:
        """Texts that may hold ` ;`, ` #` or `%`. The configuration cannot escape these, so it names these variables."""
        commands = {
            _COMMAND + program.name: shlex.join(self._wrapped(program)) for stage in self.stages for program in stage
        }
        return {_LOGS: str(self.logs), **commands}

    def _wrapped(self, program: Program) -> list[str]:
        directory = str(program.directory or self.directory)
        return [sys.executable, "-m", "launcher.supervised_child", str(self.lock), directory, *program.command]

    def _configuration(self) -> str:
        sections = [
            f"""
[supervisord]
nodaemon = true
silent = true
logfile = %(ENV_{_LOGS})s/supervisor.log
logfile_maxbytes = 2MB
logfile_backups = 1
pidfile = {self._runtime}/pid
childlogdir = {self._runtime}
minprocs = 1
{f"user = {getpass.getuser()}" if os.getuid() == 0 else ""}

[unix_http_server]
file = {self._runtime}/socket
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
        ]
        for number, stage in enumerate(self.stages):
            if stage:
                names = ",".join(program.name for program in stage)
                sections.append(f"\n[group:stage{number}]\nprograms = {names}\npriority = {number}\n")
            sections.extend(self._program_section(program) for program in stage)
        return "".join(sections)

    def _program_section(self, program: Program) -> str:
        restart = "true" if program.final_status is None else f"unexpected\nexitcodes = {program.final_status}"
        # supervisord expands the log file's name twice. Expanded once, a `%` in the folder's name would break it.
        return f"""
[program:{program.name}]
command = %(ENV_{_COMMAND}{program.name})s
autostart = false
autorestart = {restart}
startsecs = {3 if program.final_status is None else 0}
startretries = {_RETRIES}
stopwaitsecs = {program.stop_seconds}
killasgroup = true
redirect_stderr = true
stdout_logfile = %%(ENV_{_LOGS})s/{program.name}.log
stdout_logfile_maxbytes = 5MB
stdout_logfile_backups = 2
"""
