"""The machine and the day of a measurement, for the line above its table."""

from __future__ import annotations

import datetime as dt
import os
import platform
from pathlib import Path


def machine() -> str:
    """The machine that the figures are of: processor, cores, GPU, Python, torch."""
    import torch

    cores = len(os.sched_getaffinity(0))
    parts = [f"{_processor()}, {cores} cores", f"Python {platform.python_version()}", f"torch {torch.__version__}"]
    if torch.cuda.is_available():
        parts.insert(1, torch.cuda.get_device_name())
    return ", ".join(parts)


def today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
