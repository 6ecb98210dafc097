"""What ends a run before its last epoch: Ctrl-C, TERM, --max-minutes, and for a stage --patience."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from types import FrameType
from typing import Self

from training.epoch.best_epoch import epoch_quality
from training.epoch.epoch_record import EpochRecord

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class RunStopped(Exception):
    """The run was asked to stop; str() says by what."""


class StopRequest:
    """Listens for Ctrl-C and TERM while entered, and watches the time.

    The run asks `check` between two steps, where its state is whole: it can go on from there. A second Ctrl-C or TERM
    stops at once.
    """

    def __init__(self, *, minutes: float | None = None) -> None:
        self._deadline = None if minutes is None else time.monotonic() + 60 * minutes
        self._minutes = minutes
        self._signal: int | None = None

    def __enter__(self) -> Self:
        self._former = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raises RunStopped when a signal has come or the time is up."""
        if self._signal is not None:
            raise RunStopped("Ctrl-C" if self._signal == signal.SIGINT else signal.Signals(self._signal).name)
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise RunStopped(f"the limit of {self._minutes:g} minutes")

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
        signal.signal(number, self._former[signal.Signals(number)])  # the next one is not ours


def patience_exhausted(records: Sequence[EpochRecord], *, patience: int) -> bool:
    """Whether the last `patience` epochs of a stage were no better than those before them. Never with patience 0."""
    if not patience or len(records) <= patience:
        return False
    qualities = [epoch_quality(record) for record in records]
    return max(qualities[-patience:]) <= max(qualities[:-patience])
