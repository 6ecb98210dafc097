"""How busy a GPU is, as its driver tells it: the share of the time in which some kernel ran."""

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
    """Appends to `shares` the mean over the block, in %; nothing where `device` is no GPU, or its driver tells nothing.

    Raises FileNotFoundError where its driver's nvidia-smi is missing.
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
    lines = [line.strip() for line in told.splitlines(keepends=True) if line.endswith("\n")]  # it may end in one
    if samples := [int(line) for line in lines if line.isdecimal()]:
        shares.append(statistics.fmean(samples))
    else:
        print(f"nvidia-smi does not tell how busy {device} is: {lines[-1:]}", file=sys.stderr)


def _id(device: str) -> str:
    """The driver's name of it: CUDA counts only those that it may see."""
    number = int(device.partition(":")[2] or 0)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",")[number].strip() if visible else str(number)
