"""A worker's name, and whether the worker of a name is dead. A new worker takes over the leases of dead ones."""

import os
import socket


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def worker_dead(name: str) -> bool:
    """Whether the worker of this name is known to be dead.

    It is if it ran on this host and its process is gone, or if it had this process's own number (in a container every
    worker has the same one). A wrong answer is harmless: it may happen for a living worker in another container of the
    same host name. Work is then done twice, and the writes of one of the two are refused.
    """
    host, _, pid = name.rpartition(":")
    if host != socket.gethostname() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return int(pid) == os.getpid()
