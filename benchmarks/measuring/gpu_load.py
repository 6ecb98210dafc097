"""How busy a GPU is: the share of the time in which a kernel ran, by its driver."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

EVERY_MS = 100
COMMAND = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", f"--loop-ms={EVERY_MS}")


@contextmanager
def gpu_watched(device: str, shares: list[float]) -> Iterator[None]:
    """Appends the mean over the block, in %, to `shares`. Nothing if `device` is no GPU or its driver gives no figure.

    Raises FileNotFoundError where nvidia-smi is missing.
    """
    if not device.startswith("cuda"):
        yield
        return
    watch = subprocess.Popen([*COMMAND, f"--id={_id(device)}"], stdout=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        watch.terminate()
        told, _ = watch.communicate()
    lines = [line.strip() for line in told.splitlines(keepends=True) if line.endswith("\n")]  # the last may be cut off
    if samples := [int(line) for line in lines if line.isdecimal()]:
        shares.append(statistics.fmean(samples))
    else:
        print(f"nvidia-smi does not tell how busy {device} is: {lines[-1:]}", file=sys.stderr)


def _id(device: str) -> str:
    """The driver's name of the device: CUDA's numbers count only the visible ones."""
    number = int(device.partition(":")[2] or 0)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",")[number].strip() if visible else str(number)
