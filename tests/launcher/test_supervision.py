"""Supervisor with a real supervisord over small programs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from launcher.leftover_processes import session_processes
from launcher.supervision import Program, Supervisor
from tests.disks import needs_mount, small_disk

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
# Ignores TERM, and leaves an orphan that does so too.
STUBBORN = [
    sys.executable,
    "-c",
    "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.fork(); time.sleep(600)",
]


def wait_for(condition, seconds=15.0):
    give_up = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < give_up, "waited too long"
        time.sleep(0.05)
    return result


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def supervise(tmp_path):
    def start(*programs: Program) -> Supervisor:
        return Supervisor(
            stages=[[], list(programs)],
            directory=Path.cwd(),
            logs=tmp_path / "100% logs",
            lock=tmp_path / "lock",
            environ=os.environ,
        )

    return start


def running(supervisor: Supervisor, name: str) -> int:
    supervisor.start(name)
    pid: int = wait_for(lambda: supervisor.states()[name].pid)
    return pid


def test_supervisor_leaves_no_process_behind(supervise):
    with supervise(Program("sleeper", SLEEPER), Program("stubborn", STUBBORN, stop_seconds=1)) as supervisor:
        session = supervisor._process.pid
        running(supervisor, "sleeper")
        running(supervisor, "stubborn")
        wait_for(lambda: len(session_processes(session)) == 4)
    assert session_processes(session) == set()


def test_supervisor_starts_a_killed_program_again(supervise):
    with supervise(Program("sleeper", SLEEPER)) as supervisor:
        pid = running(supervisor, "sleeper")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: supervisor.states()["sleeper"].pid not in {0, pid})


def test_supervisor_keeps_the_log_of_a_program(supervise):
    with supervise(Program("speaker", ["echo", "100% said"])) as supervisor:
        supervisor.start("speaker")
        log = supervisor.logs / "speaker.log"
        wait_for(lambda: log.exists() and log.read_text())
    assert log.read_text().startswith("100% said\n")


@needs_mount
def test_supervisor_outlives_logs_that_find_no_room(tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    chatter = [sys.executable, "-uc", "import time\nwhile True: print('x' * 500); time.sleep(0.01)"]
    with (
        small_disk(logs, megabytes=1) as disk,
        Supervisor(stages=[[Program("chatter", chatter)]], directory=Path.cwd(), logs=logs, lock=tmp_path / "lock",
                   environ=os.environ) as supervisor,
    ):  # fmt: skip
        pid = running(supervisor, "chatter")
        with (logs / "supervisor.log").open("ab") as log:
            log.write(b"\n" * (-log.tell() % 4096))  # what is left of its last page would be room
        disk.fill()
        for _ in range(3):  # it has something to say of each
            os.kill(pid, signal.SIGKILL)
            pid = wait_for(lambda pid=pid: (found := supervisor.states()["chatter"].pid) not in {0, pid} and found)
        disk.free()
        size = (logs / "chatter.log").stat().st_size
        wait_for(lambda: (logs / "chatter.log").stat().st_size > size + 5000)


@pytest.mark.slow
def test_supervisor_does_not_start_again_after_the_final_status(supervise):
    late = [sys.executable, "-c", "import sys, time; time.sleep(4); sys.exit(3)"]
    with supervise(Program("worker", late, final_status=3)) as supervisor:
        running(supervisor, "worker")
        state = wait_for(lambda: (state := supervisor.states()["worker"]).name == "EXITED" and state)
        time.sleep(1.5)
        assert supervisor.states()["worker"] == state
    assert state.exit_status == 3


def test_supervisor_takes_a_final_status_that_comes_at_once(supervise):
    with supervise(Program("worker", [sys.executable, "-c", "raise SystemExit(3)"], final_status=3)) as supervisor:
        supervisor.start("worker")
        state = wait_for(lambda: (state := supervisor.states()["worker"]).name == "EXITED" and state)
        time.sleep(1.5)
        assert supervisor.states()["worker"] == state
    assert state.exit_status == 3


@pytest.mark.slow
def test_supervisor_starts_again_after_another_status(supervise):
    late = [sys.executable, "-c", "import sys, time; time.sleep(4); sys.exit(1)"]
    with supervise(Program("worker", late, final_status=3)) as supervisor:
        pid = running(supervisor, "worker")
        wait_for(lambda: supervisor.states()["worker"].pid not in {0, pid})


def test_programs_die_with_a_killed_supervisor(supervise):
    with supervise(Program("sleeper", SLEEPER)) as supervisor:
        pid = running(supervisor, "sleeper")
        wait_for(lambda: b"time.sleep" in Path(f"/proc/{pid}/cmdline").read_bytes())
        supervisor._process.kill()
        wait_for(lambda: not alive(pid))
        assert not supervisor.alive


def test_programs_and_supervisor_die_with_a_killed_launcher(tmp_path):
    launcher = """
import os, sys, time
from pathlib import Path
from launcher.supervision import Program, Supervisor
folder = Path(sys.argv[1])
sleeper = Program("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"])
with Supervisor(stages=[[sleeper]], directory=Path.cwd(), logs=folder, lock=folder / "lock", environ=os.environ) as s:
    s.start("sleeper")
    print(s._process.pid, flush=True)
    time.sleep(600)
"""
    with subprocess.Popen(
        [sys.executable, "-c", launcher, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        session = int(process.stdout.readline())
        wait_for(lambda: len(session_processes(session)) == 2)
        process.kill()
        wait_for(lambda: not session_processes(session))
