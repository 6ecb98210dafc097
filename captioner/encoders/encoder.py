"""An encoder: pixels to a grid of feature vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from captioner.config import Preprocessing


class Encoder(nn.Module):
    """`body` maps normalised pixels (B, 3, S, S) to (B, C, H, H): a captioner.encoders.network_stages.Network."""

    body: Any  # a Network; tests put other modules in its place
    mean: Tensor
    std: Tensor

    def __init__(self, body: nn.Module, *, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.body = body
        self.register_buffer("mean", torch.tensor(preprocessing.mean).view(3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(preprocessing.std).view(3, 1, 1) * 255, persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """uint8 (B, 3, S, S) -> float (B, L, C), L places in row-major order."""
        return maps_places(self.body(self.normalise(pixels)))

    def normalise(self, pixels: Tensor) -> Tensor:
        """uint8 (B, 3, S, S) -> what the network takes."""
        # channels_last: a third of the time of the default layout on CPU, and what tensor cores want.
        return ((pixels.to(self.mean.dtype) - self.mean) / self.std).contiguous(memory_format=torch.channels_last)

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The parts of the network, first to last, that training may cut between."""
        return tuple(name for name, _ in self.body.stages())

    def split(self, trained: int) -> tuple[nn.Module, nn.Module]:
        """The encoder in two parts: all but its last `trained` stages, uint8 (B, 3, S, S) -> maps; then maps ->
        (B, L, C).

        Both parts hold the encoder's own weights. If every stage is in the second part, the first one only passes
        pixels on. If none is, the first part is the encoder.
        """
        stages = [module for _, module in self.body.stages()]
        if not 0 <= trained <= len(stages):
            raise ValueError(f"The encoder has {len(stages)} stages; {trained} of them cannot be trained.")
        if trained == 0:
            return self, nn.Identity()
        cut = len(stages) - trained
        if cut == 0:
            return nn.Identity(), self
        return _Trunk(self, stages[:cut]), _Head(stages[cut:])


class _Trunk(nn.Module):
    def __init__(self, encoder: Encoder, stages: Sequence[nn.Module]) -> None:
        super().__init__()
        self.normalise = encoder.normalise
        self.stages = nn.Sequential(*stages)

    def forward(self, pixels: Tensor) -> Tensor:
        maps: Tensor = self.stages(self.normalise(pixels))
        return maps


class _Head(nn.Module):
    def __init__(self, stages: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stages = nn.Sequential(*stages)

    def forward(self, maps: Tensor) -> Tensor:
        return maps_places(self.stages(maps))


def maps_places(maps: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, H * W, C)."""
    return maps.flatten(2).transpose(1, 2)
