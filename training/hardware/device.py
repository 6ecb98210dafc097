"""The device that torch computes on."""

from __future__ import annotations

import torch

from training.errors import TrainingError


def device_require(name: str) -> torch.device:
    """`name`: a name of torch, or auto. Raises TrainingError where the device cannot be used."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(f"The device {name!r} cannot be used here ({reason}). Try --device cpu.") from error
    return device
