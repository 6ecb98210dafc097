"""Runs that take turns, their ratios, and the table that they end in."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Rates = dict[str, list[float]]
HEADER = "| benchmark | median | lowest - highest | target | met | details |\n| --- | --- | --- | --- | --- | --- |"


@dataclass(frozen=True)
class Spread:
    """Of one number over the rounds."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(min(values), statistics.median(values), max(values))

    @classmethod
    def of_ratios(cls, over: Sequence[float], under: Sequence[float]) -> Spread:
        """Round by round: what slows the machine for a while slows both runs of a round."""
        return cls.of([one / other for one, other in zip(over, under, strict=True)])


@dataclass(frozen=True)
class Row:
    """A measured number and what is asked of its median: `target` at least, or at most; None: it is only told."""

    name: str
    spread: Spread
    target: float | None
    details: str
    at_most: bool = False

    @property
    def met(self) -> bool:
        assert self.target is not None, "nothing is asked of what is only told"
        return self.spread.median <= self.target if self.at_most else self.spread.median >= self.target

    def __str__(self) -> str:
        digits = 3 if self.at_most else 2
        low, median, high = (f"{value:.{digits}f}" for value in (self.spread.low, self.spread.median, self.spread.high))
        wanted, met = "-", "-"
        if self.target is not None:
            wanted = f"at {'most' if self.at_most else 'least'} {self.target:g}"
            met = "yes" if self.met else "no"
        return f"| {self.name} | {median} | {low} - {high} | {wanted} | {met} | {self.details} |"


def rates_alternate(runs: Mapping[str, Callable[[], float]], *, rounds: int, unit: str) -> Rates:
    """What each run returns, its `unit`s a second, round by round. Every other round goes the other way round, so that
    no run always has the warmer machine. Says on standard error how it goes."""
    rates: Rates = {name: [] for name in runs}
    for number in range(rounds):
        names = list(runs) if number % 2 == 0 else list(runs)[::-1]
        for name in names:
            rates[name].append(runs[name]())
        said = ", ".join(f"{name} {rates[name][-1]:.1f}" for name in runs)
        print(f"round {number + 1}/{rounds}: {said} {unit} a second", file=sys.stderr)
    return rates
