"""Processor seconds that processes have used, by their role. On Linux alone; elsewhere the result is empty."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROLES = {  # a word of the command line -> what the process does
    "multiprocessing.spawn": "decoding",
    "worker": "worker",
    "uvicorn": "web",
    "postgres": "database",
    "valkey": "broker",
    "redis": "broker",
}
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(parent: int, *, folder: str = "fovea-postgres-") -> dict[str, float]:
    """Role -> seconds, of the descendants of a process and of the PostgreSQL server in `folder`."""
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
    """The first word of ROLES that the command holds decides: a decoding child's command also names the worker."""
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
        except OSError:  # it has ended in the meantime
            continue
        ticks = sum(map(int, fields[11:15]))  # user and system time, its own and that of its ended children
        yield int(folder.name), int(fields[1]), ticks / _TICKS, command
