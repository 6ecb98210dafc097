"""What became of many things, in one line: so that nothing is left out without a word."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

UNNAMED = "in no captions file"
CLOSED = "folder unreadable"


@dataclass(frozen=True)
class LeftOut:
    """`item`: its name, as people know it. `reason`: one of a few, as it is counted. `detail`: more about this one."""

    item: str
    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"Left out: {self.item} ({self.reason}{self.detail and f': {self.detail}'})"


@dataclass
class Tally:
    """`taken`: things that are used. `there`: those that were there already, with the same content. `left`: all others.

    What was found is the sum of the three.
    """

    taken: int = 0
    there: int = 0
    left: list[LeftOut] = field(default_factory=list)

    @property
    def found(self) -> int:
        return self.taken + self.there + len(self.left)

    def leave(self, item: object, reason: str, detail: str = "") -> None:
        """Counts a thing as left out. A reason stands after a number: "2 unreadable"."""
        self.left.append(LeftOut(_shown(str(item)), reason, " ".join(detail.split())))

    def withdraw(self, item: object, reason: str) -> None:
        """Counts a thing that was taken as left out after all."""
        self.taken -= 1
        self.leave(item, reason)

    def add(self, other: Tally) -> None:
        self.taken, self.there = self.taken + other.taken, self.there + other.there
        self.left += other.left

    def reasons(self) -> dict[str, int]:
        """How many were left out for which reason, the commonest first."""
        return dict(Counter(one.reason for one in self.left).most_common())

    def __str__(self) -> str:
        """12 found: 8 taken, 2 there already, 2 left out (1 unreadable, 1 missing)."""
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.reasons().items())
        return (
            f"{self.found:,} found: {self.taken:,} taken, {self.there:,} there already, {len(self.left):,} left out"
            f"{reasons and f' ({reasons})'}."
        )


def tallies_lines(tallies: Mapping[str, Tally], *, verbose: bool) -> Iterator[str]:
    """A line of each, such as "Photos: 12 found: ...", after all things that were left out, if those are asked for."""
    if verbose:
        yield from (str(left_out) for tally in tallies.values() for left_out in tally.left)
    for what, tally in tallies.items():
        yield f"{what}: {tally}" + (" --verbose names them." if tally.left and not verbose else "")


def folders_unnamed(folders: Iterable[Path], named: Iterable[Path], *, reason: str = UNNAMED) -> Tally:
    """Files anywhere in `folders` that are none of `named`, and folders that may not be looked into: all left out.

    A file that lies in two of the folders counts once. Links to folders are not followed.
    """
    tally, seen = Tally(), set(map(_resolved, named))

    def closed(error: OSError) -> None:
        tally.leave(f"{error.filename}{os.sep}", CLOSED)

    for folder in folders:
        for place, below, files in os.walk(folder, onerror=closed):
            below.sort()
            for name in sorted(files):
                path = Path(place, name)
                if (resolved := _resolved(path)) not in seen:
                    seen.add(resolved)
                    tally.leave(path, reason)
    return tally


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a link to itself
        return path


def _shown(name: str) -> str:
    """On one line, and such as a terminal can print."""
    return name if name.isprintable() else ascii(name)
