"""Child processes that open untrusted files and can be killed.

A hanging thread cannot be stopped, and a crashing decoder ends its process. In a child process neither does harm. Each
child has its own pipe and runs one call at a time, so the call that harmed it is always known. This guards against
accidents and malformed files, not against an attacker who controls the decoder.

A child imports only the module it is asked to run. It ignores INT and TERM, because a supervisor may send these to the
whole process group. It ends when its pipe closes (its parent ended) or when it is killed.
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

CALLS_PER_CHILD = 500  # then a new child: leaked memory must not count against a later file
START_SECONDS = 60  # for a child to start, and again for importing the function's module
_BEGUN = "begun"  # a child sends this once it has imported the function

_spawn = multiprocessing.get_context("spawn")


class SandboxError(Exception):
    """A call gave no result. If it is this class itself, the call was not begun, and is not at fault."""


class SandboxHarmed(SandboxError):
    """A call harmed the child that ran it. Other calls are not affected."""


class SandboxCrashed(SandboxHarmed):
    pass


class SandboxTimedOut(SandboxHarmed):
    pass


class SandboxOutOfMemory(SandboxHarmed):
    pass


class Sandbox:
    """Up to `processes` children, started when first needed. Safe to use from many threads.

    Args:
        processes: most calls that run at the same time; further calls wait.
        timeout: seconds that one call may take in its child, counted from the end of the import.
        memory_mb: address space of a child in MiB; None: no limit.
        tries: how often a call may crash its child before the error is raised. A crash is not always the call's fault:
            the kernel also kills processes when memory is short.
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
        # At exit multiprocessing waits for its children. This finalizer kills them first. `atexit` does not work here:
        # billiard changes its order.
        Finalize(None, self._kill, exitpriority=100)

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function(*args, **kwargs)` in a child and return its result. All three are sent by pickle.

        Raises:
            SandboxHarmed: the call crashed its child, or exceeded its time or memory.
            SandboxError: the call was not begun.
            Exception: any exception that `function` raised.
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
        """Wait for running calls, then end the children. The next `run` starts new ones."""
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
        except (ConnectionError, EOFError) as error:  # killed while idle or importing; not this call's fault
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
            signal.setitimer(signal.ITIMER_REAL, timeout + 1)  # SIGALRM ends a hanging child whose parent is dead
            answer = (True, function(*args, **kwargs))
        except MemoryError:
            answer = (False, MemoryError())  # a new one: the traceback of the old one keeps the memory in use
        except BaseException as error:  # noqa: BLE001  (SystemExit too: the child goes on)
            answer = (False, _picklable(error))
        try:
            connection.send(answer)
        except ConnectionError:
            return
        signal.setitimer(signal.ITIMER_REAL, 0)


def _picklable(error: BaseException) -> BaseException:
    """The error itself if it can be pickled, else a RuntimeError with the same text."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  (its own)
    except Exception:  # noqa: BLE001  (any constructor may fail in any way)
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
