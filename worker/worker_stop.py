"""How a worker ends: its exit statuses, the drain after TERM, and the end of a process whose model hangs.

The child processes that open files import this module too, so it imports nothing heavy.
"""

import logging
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.running_worker import RunningWorker

log = logging.getLogger("worker")

DRAIN_SECONDS = 20.0  # after TERM; then the worker gives the rest back and the process ends
_RELEASE_SECONDS = 5.0  # for giving the rest back; the database may not answer


class Exit(IntEnum):
    STOPPED = 0  # as asked
    FAILED = 1  # anything else, such as a database that is away: start it again, with backoff
    BAD_BUNDLE = 3  # no model to caption with: a restart does not help, a person has to act
    MODEL_DIED = 4  # the model hung or broke: start it again


def drain_start(worker: "RunningWorker") -> None:
    """Take no new work. What is not finished after DRAIN_SECONDS is given back, and the process ends."""

    def give_up() -> None:
        log.warning("not done %g s after TERM; the rest is given back", DRAIN_SECONDS)
        _timer_start(_RELEASE_SECONDS, _process_end, Exit.STOPPED)
        worker.held.release()
        _process_end(Exit.STOPPED)

    worker.stopping.set()
    _timer_start(DRAIN_SECONDS, give_up)


def model_died(reason: str) -> None:
    """End at once: a thread that hangs in the model cannot be stopped. The leases run out; other workers take over."""
    log.critical("%s; this process ends", reason)
    logging.shutdown()
    _process_end(Exit.MODEL_DIED)


def process_leave(status: int) -> None:
    """End this process after all is closed. A plain return would take seconds to tear down torch's modules."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(status)


def _timer_start(seconds: float, function: Callable[..., object], *arguments: object) -> None:
    timer = threading.Timer(seconds, function, arguments)
    timer.daemon = True
    timer.start()


def _process_end(status: Exit) -> None:
    """End at once, and kill the children: one of them may hang in a file."""
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(status)
