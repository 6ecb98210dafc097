"""A benchmark's table: its rows with their targets, and its section in benchmarks/RESULTS.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring.alternating_runs import Spread

HEADER = "| benchmark | median | lowest - highest | target | met | details |\n| --- | --- | --- | --- | --- | --- |"
INTRODUCTION = """# Benchmarks

Written by `make bench`. Each number is of runs that took turns on one machine, over the rounds; most are ratios, so \
that what the machine is cancels out. What is compared, and how, stands at the top of the module of that name.
"""


@dataclass(frozen=True)
class Row:
    """A measured number. `target`: its median must be at least this, or at most (`at_most`). None: no target."""

    name: str
    spread: Spread
    target: float | None
    details: str
    at_most: bool = False

    @property
    def met(self) -> bool:
        assert self.target is not None, "this row has no target"
        return self.spread.median <= self.target if self.at_most else self.spread.median >= self.target

    def __str__(self) -> str:
        digits = 3 if self.at_most else 2
        low, median, high = (f"{value:.{digits}f}" for value in (self.spread.low, self.spread.median, self.spread.high))
        wanted, met = "-", "-"
        if self.target is not None:
            wanted = f"at {'most' if self.at_most else 'least'} {self.target:g}"
            met = "yes" if self.met else "no"
        return f"| {self.name} | {median} | {low} - {high} | {wanted} | {met} | {self.details} |"


def section_write(results: Path, name: str, rows: Sequence[Row], *, origin: str, order: Sequence[str]) -> None:
    """Replaces a benchmark's table in the file. `origin`: by which command, when and on which machine it was measured.

    `order`: of the benchmarks. The first word of a section's name is its benchmark: "system", "system on cuda".
    """
    sections = sections_read(results)
    sections[name] = "\n".join([origin, "", HEADER, *map(str, rows)])
    known = [each for one in order for each in sorted(sections) if each.partition(" on ")[0] == one]
    body = "".join(f"\n## {each}\n\n{sections[each]}\n" for each in known)
    results.write_text(INTRODUCTION + body, encoding="utf-8")


def sections_read(results: Path) -> dict[str, str]:
    if not results.exists():
        return {}
    parts = re.split(r"^## (.+)\n", results.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}
