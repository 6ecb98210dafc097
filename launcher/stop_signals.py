"""Ctrl-C, TERM and a closed terminal: a program is asked to stop, and does so where it waits."""

import signal
import threading
from types import FrameType


class StopAsked(BaseException):
    """Ctrl-C, TERM or a closed terminal."""


class Stopper:
    """Turns the signals that ask a program to end into StopAsked. It is raised in `wait` and nowhere else."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked.set()

    def wait(self, seconds: float) -> None:
        if self._asked.wait(seconds):
            raise StopAsked
