"""Killable child processes, in which untrusted files are opened.

A thread that hangs cannot be stopped, and a decoder that crashes takes its process along; in a child neither matters.
Each child has a pipe of its own and serves one call at a time, so the call that harmed it is known for certain. A guard
against accidents and malformed files, not against a decoder that an attacker has taken over.

A child imports what it is asked to run and nothing else. It ignores INT and TERM, which a supervisor may send to the
whole group: it ends when its parent does (its pipe closes), or is killed.
"""

import multiprocessing
import os
import pickle
import queue
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.util import Finalize
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

CALLS_PER_CHILD = 500  # then a fresh one: what a decoder leaks is not held against a later file
START_SECONDS = 60  # for a child to start, and for it to import what it is to run
_BEGUN = "begun"  # said by a child that has imported what it is to run

_spawn = multiprocessing.get_context("spawn")


class SandboxError(Exception):
    """A call gave no result. This class itself: it was not begun, by no fault of its own."""


class SandboxHarmed(SandboxError):
    """A call harmed the child that ran it; another call is not affected."""


class SandboxCrashed(SandboxHarmed):
    pass


class SandboxTimedOut(SandboxHarmed):
    pass


class SandboxOutOfMemory(SandboxHarmed):
    pass


class Sandbox:
    """Up to `processes` children, started when first needed. Safe to use from many threads.

    Args:
        processes: calls that may run at the same time; more wait their turn.
        timeout: seconds that one call may take in its child, once its module is imported.
        memory_mb: address space of a child in MiB; None: no limit.
        tries: how often a call may crash its child before that is told: the kernel kills for lack of memory, which is
            not always for what the call did.
    """

    def __init__(self, *, processes: int, timeout: float, memory_mb: int | None = None, tries: int = 1) -> None:
        self.timeout = timeout
        self._tries = tries
        self.memory_mb = memory_mb
        self._slots: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(processes):
            self._slots.put(None)
        self._processes = processes
        self._children: set[_Child] = set()
        # At the interpreter's end multiprocessing waits for its children, and does this before (atexit's order is not
        # ours to choose: billiard changes it).
        Finalize(None, self._kill, exitpriority=100)

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `function(*args, **kwargs)` returns in a child. Function, arguments and result travel by pickle.

        Raises:
            SandboxHarmed: the call crashed, outlasted or bloated its child.
            SandboxError: the call was not begun.
            Exception: whatever `function` raised.
        """
        for _ in range(self._tries - 1):
            with suppress(SandboxCrashed):
                return self._run(function, args, kwargs)
        return self._run(function, args, kwargs)

    def _run(self, function: Callable[..., T], args: Any, kwargs: Any) -> T:
        child = self._slots.get()
        try:
            if child is not None and not child.fit:
                self._drop(child)
                child = None
            child = child or self._start()
            succeeded, value = child.call(self.timeout, function, args, kwargs)
        except BaseException:
            self._drop(child)
            child = None
            raise
        finally:
            self._slots.put(child)
        if succeeded:
            return value  # type: ignore[no-any-return]
        raise value

    def close(self) -> None:
        """End the children, after the calls that are running. The next `run` starts new ones."""
        for child in [self._slots.get() for _ in range(self._processes)]:
            self._drop(child)
            self._slots.put(None)

    def _start(self) -> "_Child":
        try:
            child = _Child(self.memory_mb)
        except OSError as error:  # too many files or processes, too little memory
            raise SandboxError(f"a child process could not be started: {error}") from error
        self._children.add(child)
        return child

    def _drop(self, child: "_Child | None") -> None:
        if child is not None:
            self._children.discard(child)
            child.kill()

    def _kill(self) -> None:
        for child in list(self._children):
            child.process.kill()


class _Child:
    def __init__(self, memory_mb: int | None) -> None:
        self.connection, theirs = _spawn.Pipe()
        self.process = _spawn.Process(target=_serve, args=(theirs, memory_mb), name="sandbox", daemon=True)
        self.process.start()
        theirs.close()
        self.calls = 0
        try:
            started = self.connection.poll(START_SECONDS) and self._receive() == "ready"
        except SandboxError as error:
            raise SandboxError(f"a child process {error} before it was ready") from error
        if not started:
            self.kill()
            raise SandboxError(f"a child process was not ready within {START_SECONDS} s; is the machine overloaded?")

    @property
    def fit(self) -> bool:
        return self.calls < CALLS_PER_CHILD and self.process.is_alive()

    def call(self, timeout: float, function: Callable[..., Any], args: Any, kwargs: Any) -> tuple[bool, Any]:
        self.calls += 1
        try:
            self.connection.send((timeout, pickle.dumps((function, args, kwargs))))
            answer = self.connection.poll(START_SECONDS) and self.connection.recv()
        except (ConnectionError, EOFError) as error:  # killed while idle or importing: no fault of this call
            raise SandboxError("a child process ended before the call began") from error
        if not answer:
            raise SandboxError(f"a child process took over {START_SECONDS} s to import; is the machine overloaded?")
        if answer == _BEGUN:
            if not wait([self.connection, self.process.sentinel], timeout):
                raise SandboxTimedOut(f"took longer than {timeout:g} s")
            answer = self._receive()
        if isinstance(answer[1], MemoryError):
            raise SandboxOutOfMemory("needed more memory than its process may use")
        return answer  # type: ignore[no-any-return]

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()

    def _receive(self) -> Any:
        try:
            return self.connection.recv()
        except (EOFError, ConnectionError):
            self.process.join()
            code = self.process.exitcode or 0
            if code == -signal.SIGALRM:
                raise SandboxTimedOut("took too long to answer") from None
            how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
            raise SandboxCrashed(f"ended its process ({how})") from None


def _serve(connection: Connection, memory_mb: int | None) -> None:
    """The child's loop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if memory_mb is not None and sys.platform != "darwin":  # macOS refuses this limit
        resource.setrlimit(resource.RLIMIT_AS, (memory_mb * 2**20, memory_mb * 2**20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"  # each thread costs address space
    connection.send("ready")
    while True:
        try:
            timeout, call = connection.recv()
        except EOFError:
            return
        try:
            function, args, kwargs = pickle.loads(call)  # noqa: S301  (imports the function's module)
            connection.send(_BEGUN)
            signal.setitimer(
                signal.ITIMER_REAL, timeout + 1
            )  # its default action ends a hanging child of a dead parent
            answer = (True, function(*args, **kwargs))
        except MemoryError:
            answer = (False, MemoryError())  # another one: the frames of that one hold on to what was too much
        except BaseException as error:  # noqa: BLE001  (SystemExit too: the child lives on)
            answer = (False, _picklable(error))
        try:
            connection.send(answer)
        except ConnectionError:
            return
        signal.setitimer(signal.ITIMER_REAL, 0)


def _picklable(error: BaseException) -> BaseException:
    """The error itself where it survives the journey, else one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  (its own)
    except Exception:  # noqa: BLE001  (any constructor may fail in any way)
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
