"""Mixed precision: float32, or 16 bits for the large products where the device is fast at it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import torch

from training.errors import OptionError


@dataclass(frozen=True)
class Arithmetic:
    """`dtype`: of matrix products and convolutions. With float32 nothing is mixed."""

    device: torch.device
    dtype: torch.dtype

    @property
    def scaled(self) -> bool:
        """float16's small gradients vanish unless the loss is scaled up (Micikevicius et al. 2018, section 3.2)."""
        return self.dtype == torch.float16

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.dtype)


def arithmetic_choose(precision: str, device: torch.device) -> Arithmetic:
    """`precision`: auto, float32, bfloat16 or float16. Raises OptionError for float16 without CUDA."""
    if precision == "auto":
        if device.type == "cuda":
            dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
        else:
            # Without bfloat16 in hardware it would be slower than float32.
            dtype = torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32
        return Arithmetic(device, dtype)
    if precision == "float16" and device.type != "cuda":
        raise OptionError(f"--precision float16 is for CUDA; on {device} give float32 or bfloat16.")
    return Arithmetic(device, getattr(torch, precision))
