"""The seconds of processor time that processes have used, by what they are. Linux alone tells; elsewhere: nothing."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROLES = {  # a word of the command line -> what the process does
    "multiprocessing.spawn": "decoding",
    "worker": "worker",
    "benchmarks.simulated": "worker",
    "uvicorn": "web",
    "postgres": "database",
    "valkey": "broker",
    "redis": "broker",
}
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(parent: int, *, folder: str = "fovea-postgres-") -> dict[str, float]:
    """Of the descendants of a process, and of the PostgreSQL server in `folder`, which is nobody's child."""
    parents, commands, seconds = {}, {}, {}
    for pid, above, used, command in _processes():
        parents[pid], seconds[pid], commands[pid] = above, used, command
    found: defaultdict[str, float] = defaultdict(float)
    for pid, used in seconds.items():
        line = list(_ancestry(pid, parents))
        ours = parent in line[1:] or any(folder in commands[each] for each in line)
        if ours:
            found[_role(commands[pid])] += used
    return dict(found)


def _role(command: str) -> str:
    """That of a sandbox is told by how it was started, before what started it."""
    return next((role for word, role in ROLES.items() if word in command), "other")


def _ancestry(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while pid in parents:
        yield pid
        pid = parents[pid]


def _processes() -> Iterator[tuple[int, int, float, str]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        ticks = sum(map(int, fields[11:15]))  # user and system, its own and of children that have ended
        yield int(folder.name), int(fields[1]), ticks / _TICKS, command
