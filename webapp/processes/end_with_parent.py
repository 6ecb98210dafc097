"""No process outlives its parent. Only Linux offers that; elsewhere it is left out."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def process_die_with_parent(parent: int | None = None) -> None:
    """Have this process (and what it becomes by exec) sent TERM when its parent dies, even by kill -9.

    `parent`: its process id, where it may have died before this was asked for.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if parent is not None and os.getppid() != parent:
            signal.raise_signal(signal.SIGTERM)
