"""How busy a GPU is, as its driver tells it: the share of the time in which some kernel ran."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

EVERY_MS = 100
COMMAND = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", f"--loop-ms={EVERY_MS}")


@contextmanager
def gpu_watched(device: str, shares: list[float]) -> Iterator[None]:
    """Appends to `shares` the mean over the block, in %; nothing where `device` is no GPU, or the block ends at once.

    Raises FileNotFoundError where its driver's nvidia-smi is missing.
    """
    if not device.startswith("cuda"):
        yield
        return
    command = [*COMMAND, f"--id={device.partition(':')[2] or 0}"]
    watch = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        watch.terminate()
        told, _ = watch.communicate()
    if samples := told.split()[:-1]:  # it may have been stopped in a line
        shares.append(statistics.fmean(map(float, samples)))
