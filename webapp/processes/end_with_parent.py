"""Ends a process when its parent dies. Only Linux supports this; elsewhere it does nothing."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def process_die_with_parent(parent: int | None = None) -> None:
    """Have the kernel send TERM to this process when its parent dies, even by kill -9. Survives exec.

    `parent`: the parent's process id. If that process has died already, TERM is sent at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if parent is not None and os.getppid() != parent:
            signal.raise_signal(signal.SIGTERM)
