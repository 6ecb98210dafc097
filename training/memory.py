"""Too little memory, told as what did not fit and what to change."""

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
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise _exhausted(device, what, remedy, error) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):  # what torch's CPU allocator raises
            raise
        raise _exhausted(device, what, remedy, error) from error


def _exhausted(device: torch.device, what: str, remedy: str, error: BaseException) -> DeviceExhausted:
    reason = str(error).partition("\n")[0] or type(error).__name__
    return DeviceExhausted(f"The memory of {device} does not hold {what} ({reason}). {remedy}")
