"""An exponential moving average of the weights. It validates better than the last weights."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def average_create(model: M) -> M:
    """A copy of the model in evaluation mode, without gradients."""
    return copy.deepcopy(model).eval().requires_grad_(False)


@torch.no_grad()
def average_update(average: nn.Module, model: nn.Module, *, decay: float, step: int) -> None:
    """Moves the average towards the model's trained weights: a <- d a + (1 - d) w.

    `decay` 0 copies them. In the first steps d = (1 + step) / (10 + step) is smaller (Tensorflow's rule), so the random
    first weights are soon forgotten.
    """
    share = 1 - min(decay, (1 + step) / (10 + step)) if decay else 1.0
    pairs = zip(average.parameters(), model.parameters(), strict=True)
    trained = [(ours, theirs) for ours, theirs in pairs if theirs.requires_grad]
    torch._foreach_lerp_([ours for ours, _ in trained], [theirs for _, theirs in trained], share)
