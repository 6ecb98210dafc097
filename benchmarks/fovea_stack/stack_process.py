"""A whole Fovea for a benchmark: database, broker, web and workers, with the settings that it ships with.

It has a process of its own, because Django can be set up only once in a process. Functions are sent there to run.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.util import Finalize
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from tests.databases import postgres_found
from tests.stack import Stack, fovea
from webapp import env
from webapp.processes.end_with_parent import process_die_with_parent

P = ParamSpec("P")
T = TypeVar("T")


class Fovea:
    """Starts with the database and the broker alone; `run` starts the rest.

    Args:
        database: sqlite or postgresql.
        device: of the workers.
    """

    def __init__(self, database: str, *, bundle: Path, device: str) -> None:
        self._pool = ProcessPoolExecutor(
            1, get_context("spawn"), initializer=_open, initargs=(database, bundle, device)
        )

    def run(self, function: Callable[Concatenate[Stack, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Returns the result of `function(stack, *args)`, run there. Only functions of modules can be sent."""
        return self._pool.submit(_call, function, args, kwargs).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()


def database_missing(database: str) -> bool:
    """Whether this database is not installed here; says so."""
    if database == "postgresql" and not postgres_found():
        print("PostgreSQL is not installed (Debian: postgresql): left out.", file=sys.stderr)
        return True
    return False


# --- In the stack's process -------------------------------------------------------------------------------------------
_stack: Stack | None = None


def _open(database: str, bundle: Path, device: str) -> None:
    """Starts the stack. When this process ends (other than by kill -9), what it started ends with it."""
    global _stack
    context = ExitStack()

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one may come, from `timeout` or the parent's death
        context.close()
        os._exit(1)

    Finalize(None, context.close, exitpriority=1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    signal.signal(signal.SIGTERM, end)
    process_die_with_parent()
    threads = os.environ.get("OMP_NUM_THREADS")
    _stack = context.enter_context(fovea(database, bundle=bundle, durable=True))
    logging.getLogger("httpx").setLevel(logging.WARNING)
    os.environ["FOVEA_DEVICE"] = device
    del os.environ["OMP_NUM_THREADS"]  # which `fovea` sets for small models
    if threads is not None:
        os.environ["OMP_NUM_THREADS"] = threads


def _call(function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    assert _stack is not None
    return function(_stack, *args, **kwargs)


def workers_start(stack: Stack, count: int = 1) -> None:
    """Starts workers and waits until they are ready."""
    stack.workers_start(count, **_settings())


def rate_with(stack: Stack, settings: dict[str, str]) -> float:
    """Photos a second of the bulk, by a worker with these settings. It is started and ended for this."""
    from benchmarks.fovea_stack import bulk_submission

    worker = stack.worker_start(**_settings() | settings)
    try:
        bulk_submission.warm_up(stack)
        return bulk_submission.run(stack).rate
    finally:
        worker.terminate()


def simulated_start(stack: Stack, count: int, milliseconds: float) -> None:
    """Starts workers with a simulated device that takes so long for a micro-batch."""
    stack.workers_start(count, program=("benchmarks.fovea_stack.simulated_worker", str(milliseconds)), **_settings())


def _settings() -> dict[str, str]:
    """The shipped values of the settings that tests change."""
    return {"FOVEA_DECODE_PROCESSES": str(env.VARIABLES["FOVEA_DECODE_PROCESSES"].default)}
