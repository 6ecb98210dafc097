"""Runs that take turns, and the spread of their ratios."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Rates = dict[str, list[float]]


@dataclass(frozen=True)
class Spread:
    """The lowest, median and highest value of a number over the rounds."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(min(values), statistics.median(values), max(values))

    @classmethod
    def of_ratios(cls, over: Sequence[float], under: Sequence[float]) -> Spread:
        """The ratios round by round. A slow moment of the machine slows both runs of a round."""
        return cls.of([one / other for one, other in zip(over, under, strict=True)])


def rates_alternate(runs: Mapping[str, Callable[[], float]], *, rounds: int, unit: str) -> Rates:
    """The results of each run, in `unit`s a second, round by round.

    Every other round runs in reverse order, so no run always has the warmer machine. Reports on standard error.
    """
    rates: Rates = {name: [] for name in runs}
    for number in range(rounds):
        names = list(runs) if number % 2 == 0 else list(runs)[::-1]
        for name in names:
            rates[name].append(runs[name]())
        said = ", ".join(f"{name} {rates[name][-1]:.1f}" for name in runs)
        print(f"round {number + 1}/{rounds}: {said} {unit} a second", file=sys.stderr)
    return rates
