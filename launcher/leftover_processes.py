"""Finds and ends the processes that are left of a session. They are found on Linux alone."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path


def session_processes(session: int) -> set[int]:
    """The living processes of a session (setsid), orphans included: a child stays in it unless it calls setsid."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()  # after the name: state, parent, group, session, …
        except OSError:  # it ended meanwhile
            continue
        if fields[0] not in "ZX" and int(fields[3]) == session:
            found.add(int(stat.parent.name))
    return found


def session_end(session: int, *, patience: float) -> None:
    """End every process of a session: TERM, and KILL after `patience` seconds."""
    kill_at = time.monotonic() + patience
    told: set[int] = set()
    while left := session_processes(session):
        late = time.monotonic() >= kill_at
        for pid in left if late else left - told:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
        told |= left
        time.sleep(0.05)
