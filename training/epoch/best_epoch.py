"""Which epoch of a run is the best: the one whose weights become the bundle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

from training.epoch.epoch_record import EpochRecord


def epoch_quality(record: EpochRecord) -> tuple[float, float]:
    """What epochs are compared by: CIDEr, and where that is the same, a lower loss. No number is worse than any."""
    return _number(record.cider), _number(-record.validation_loss)


@dataclass
class BestEpoch:
    """The best epoch so far, over all stages.

    weights: the state_dict of the averaged model after it. The next stage begins with them. index: its place among the
    records of the run.
    """

    weights: dict[str, Tensor] = field(default_factory=dict)
    index: int = 0

    def offer(self, record: EpochRecord, model: nn.Module, *, former: Sequence[EpochRecord]) -> None:
        """Keeps the weights of `model` where its epoch is better than the best of the `former` ones."""
        if not former or epoch_quality(record) > epoch_quality(former[self.index]):
            self.index = len(former)
            self.weights = {key: value.detach().clone() for key, value in model.state_dict().items()}


def best_index(records: Sequence[EpochRecord]) -> int:
    """The place of the best of `records`, the first of equals."""
    return max(range(len(records)), key=lambda index: epoch_quality(records[index]))


def best_index_formerly(records: Sequence[EpochRecord]) -> int:
    """The same for a checkpoint that does not tell it. The first of equal CIDEr was kept then."""
    ciders = [-record.validation_loss if record.cider is None else record.cider for record in records]
    return ciders.index(max(ciders)) if ciders else 0


def _number(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else -math.inf
