"""What happens when memory runs out: an error that tells what did not fit and what to change."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from training.errors import DeviceExhausted


@contextlib.contextmanager
def memory_required(device: torch.device, *, what: str, remedy: str) -> Iterator[None]:
    """Raises DeviceExhausted where the memory of `device` does not hold `what`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # torch's CPU allocator raises a plain RuntimeError.
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error):
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise DeviceExhausted(f"The memory of {device} does not hold {what} ({reason}). {remedy}") from error
        raise
