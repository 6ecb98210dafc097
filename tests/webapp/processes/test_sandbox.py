"""The sandbox, with real child processes."""

import ctypes
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harm import bloat_wholly, crash, crash_once
from webapp.processes.sandbox import Sandbox, SandboxCrashed, SandboxError, SandboxOutOfMemory, SandboxTimedOut


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(processes=1, timeout=10, memory_mb=512)
    yield sandbox
    sandbox.close()


@pytest.fixture
def impatient() -> Iterator[Sandbox]:
    sandbox = Sandbox(processes=1, timeout=0.5, memory_mb=512)
    yield sandbox
    sandbox.close()


class _Unpicklable(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _raise_unpicklable() -> None:
    raise _Unpicklable("truncated", "ends too early")


def _modules() -> set[str]:
    return set(sys.modules)


def _leave() -> None:
    os._exit(7)  # by name only here: coverage replaces it in the parent


def _raise(error: BaseException) -> None:
    raise error


def test_sandbox_returns_what_the_function_returns(sandbox: Sandbox) -> None:
    assert sandbox.run(divmod, 17, 5) == (3, 2)


def test_sandbox_runs_in_another_process(sandbox: Sandbox) -> None:
    assert sandbox.run(os.getpid) != os.getpid()


def test_sandbox_passes_the_functions_own_exception_through(sandbox: Sandbox) -> None:
    with pytest.raises(ZeroDivisionError):
        sandbox.run(divmod, 1, 0)


def test_sandbox_tells_an_exception_that_does_not_pickle(sandbox: Sandbox) -> None:
    with pytest.raises(RuntimeError, match="_Unpicklable: ends too early"):
        sandbox.run(_raise_unpicklable)


def test_sandbox_keeps_its_child_after_an_exception(sandbox: Sandbox) -> None:
    before = sandbox.run(os.getpid)
    with pytest.raises(SystemExit):
        sandbox.run(_raise, SystemExit(3))
    assert sandbox.run(os.getpid) == before


def test_sandbox_names_the_signal_that_ended_the_child(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxCrashed, match="SIGSEGV"):
        sandbox.run(ctypes.string_at, 0)


def test_sandbox_names_the_exit_status_of_the_child(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxCrashed, match="exit status 7"):
        sandbox.run(_leave)


def test_sandbox_works_on_after_a_crash(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxCrashed):
        sandbox.run(os.abort)
    assert sandbox.run(abs, -1) == 1


def test_sandbox_that_may_try_twice_runs_a_call_again_whose_child_was_killed(tmp_path: Path) -> None:
    patient = Sandbox(processes=1, timeout=10, tries=2)
    assert patient.run(crash_once, tmp_path / "marker") == "whole"
    with pytest.raises(SandboxCrashed, match="SIGABRT"):
        patient.run(crash)
    patient.close()


def test_sandbox_limits_memory(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxOutOfMemory):
        sandbox.run(bytearray, 2**30)


def test_sandbox_tells_of_memory_that_is_gone_to_the_last_byte(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxOutOfMemory):
        sandbox.run(bloat_wholly)
    assert sandbox.run(pow, 2, 3) == 8


def test_sandbox_kills_a_call_that_hangs_with_the_interpreter_locked(impatient: Sandbox) -> None:
    with pytest.raises(SandboxTimedOut, match=r"0\.5 s"):
        impatient.run(pow, 3, 10**9)  # C code that never gives the interpreter's lock back


def test_sandbox_does_not_count_the_import_of_what_it_runs(
    impatient: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slowly.py").write_text("import time\ntime.sleep(1)\ndef three(): return 3\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    three = importlib.import_module("slowly").three
    assert impatient.run(three) == 3


def test_sandbox_works_on_after_a_time_out(impatient: Sandbox) -> None:
    with pytest.raises(SandboxTimedOut):
        impatient.run(time.sleep, 60)
    assert impatient.run(abs, -1) == 1


def test_sandbox_replaces_a_child_that_died_while_idle(sandbox: Sandbox) -> None:
    child = sandbox.run(os.getpid)
    os.kill(child, signal.SIGKILL)
    time.sleep(0.2)
    assert sandbox.run(os.getpid) != child


def test_sandbox_does_not_blame_a_call_for_a_child_that_died_before_it(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.kill(sandbox.run(os.getpid), signal.SIGKILL)
    time.sleep(0.2)
    monkeypatch.setattr("webapp.processes.sandbox._Child.fit", True)  # it died after this was asked
    with pytest.raises(SandboxError, match="before the call began") as caught:
        sandbox.run(abs, -1)
    assert type(caught.value) is SandboxError


def test_sandbox_child_outlives_a_term_meant_for_the_group(sandbox: Sandbox) -> None:
    child = sandbox.run(os.getpid)
    os.kill(child, signal.SIGTERM)
    time.sleep(0.2)
    assert sandbox.run(os.getpid) == child


def test_sandbox_replaces_a_child_after_its_share_of_calls(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    child = sandbox.run(os.getpid)
    monkeypatch.setattr("webapp.processes.sandbox.CALLS_PER_CHILD", 1)
    assert sandbox.run(os.getpid) != child


def test_sandbox_child_imports_neither_django_nor_torch(sandbox: Sandbox) -> None:
    assert not {"django", "torch", "celery"} & sandbox.run(_modules)


def test_sandbox_serves_many_threads_one_call_at_a_time_each() -> None:
    sandbox = Sandbox(processes=2, timeout=10, memory_mb=512)
    results: list[int] = []
    threads = [threading.Thread(target=lambda i=i: results.append(sandbox.run(abs, -i))) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sandbox.close()
    assert sorted(results) == list(range(12))


ORPHAN = """
import os, time
from webapp.processes.sandbox import Sandbox
if __name__ == "__main__":
    sandbox = Sandbox(processes=1, timeout=1, memory_mb=512)
    print(sandbox.run(os.getpid), flush=True)
    sandbox.run(time.sleep, 60) if os.environ.get("HANG") else time.sleep(60)
"""


@pytest.mark.parametrize("environment", [{}, {"HANG": "1"}], ids=["idle", "hanging"])
def test_sandbox_child_ends_when_its_parent_was_killed(environment: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(ORPHAN, encoding="utf-8")
    parent = subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        env={**os.environ, **environment, "PYTHONPATH": str(Path.cwd())},
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.2)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{child}").exists()


AT_THE_END = """
import os, threading, time
{imports}
from webapp.processes.sandbox import Sandbox
if __name__ == "__main__":
    sandbox = Sandbox(processes=2, timeout=600, memory_mb=512)
    threading.Thread(target=sandbox.run, args=[time.sleep, 600], daemon=True).start()
    print(sandbox.run(os.getpid))
"""


@pytest.mark.parametrize("imports", ["", "import celery.apps.worker"], ids=["alone", "beside celery"])
def test_sandbox_leaves_no_child_when_the_interpreter_ends(imports: str, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(AT_THE_END.format(imports=imports), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    for child in done.stdout.split():
        assert not Path(f"/proc/{child}").exists()
