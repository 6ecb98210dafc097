"""What the exact losses of a run depend on besides options and data: device, threads and precision."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import torch

from training.hardware.mixed_precision import Arithmetic


@dataclass(frozen=True)
class Numerics:
    """`threads`: of torch, which splits sums by them. `precision`: what auto was found to be."""

    device: str
    threads: int
    precision: str

    @classmethod
    def of(cls, arithmetic: Arithmetic) -> Self:
        """The numerics of this process."""
        return cls(str(arithmetic.device), torch.get_num_threads(), str(arithmetic.dtype).removeprefix("torch."))

    def precision_on(self, device: torch.device) -> str | None:
        """The precision of a run that goes on there. None where another kind of device has to choose anew."""
        return self.precision if device.type == torch.device(self.device).type else None

    def change(self, former: Numerics) -> str:
        """The warning for a run that goes on with these. Empty where nothing changed."""
        pairs = [(name, now, getattr(former, name)) for name, now in self.to_dict().items()]
        changed = ", ".join(f"{name} {now} instead of {before}" for name, now, before in pairs if now != before)
        if not changed:
            return ""
        return f"Going on with {changed}: the losses may differ from those of an unbroken run."

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Raises KeyError, RuntimeError, TypeError or ValueError for data of another form."""
        return cls(str(torch.device(data["device"])), int(data["threads"]), str(data["precision"]))
