"""One Fovea per data folder.

The launcher holds `launcher.lock` while it lives. Its processes share `processes.lock`. If a launcher and its
supervisor were killed, the next launcher waits until their last process has ended: two brokers must never write to one
folder. Both locks are the kernel's (flock), so they end with their holders.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launcher.errors import AlreadyRunning, LaunchError
from webapp.data_folder.running_site import LAUNCHER_LOCK

LOOKS_PATIENCE = 1.0  # seconds; a command that only tests the lock holds it much shorter
ORPHANS_PATIENCE = 40.0  # seconds; a worker takes less to finish its photos and end


def processes_lock_path(folder: Path) -> Path:
    return folder / "processes.lock"


def _take(descriptor: int, *, patience: float) -> bool:
    give_up = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up:
                return False
            time.sleep(0.05)
        else:
            return True


@contextmanager
def data_folder_lock(folder: Path, *, patience: float = ORPHANS_PATIENCE) -> Iterator[None]:
    """Hold the data folder. Raises AlreadyRunning, or LaunchError: not writable, or processes of a killed run live."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        launcher = os.open(folder / LAUNCHER_LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        processes = os.open(processes_lock_path(folder), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise LaunchError(
            f"The data folder {folder} cannot be written ({error.strerror}). Make it a folder that this account may "
            "write, or set FOVEA_DATA_DIR to another one."
        ) from error
    try:
        if not _take(launcher, patience=LOOKS_PATIENCE):
            holder = os.pread(launcher, 32, 0).decode(errors="replace").strip()
            raise AlreadyRunning(
                f"Fovea already runs on {folder} (process {holder or 'unknown'}). Use that one, stop it with Ctrl-C, "
                "or set FOVEA_DATA_DIR and FOVEA_PORT for a second one."
            )
        os.ftruncate(launcher, 0)
        os.pwrite(launcher, str(os.getpid()).encode(), 0)
        if not _take(processes, patience=patience):
            raise LaunchError(
                f"Processes of an earlier run still work on {folder}: see `fuser {processes_lock_path(folder)}`, "
                "end them and start again."
            )
        fcntl.flock(processes, fcntl.LOCK_UN)
        yield
    finally:
        os.close(processes)
        os.close(launcher)
