"""PyTorch and Pillow by their defaults, as the tutorial uses them: the product is compared with this."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from captioner.encoders.encoder import Encoder, maps_places


class DefaultLayout(nn.Module):
    """An encoder whose maps are stored channel by channel, torch's default.

    The product stores them place by place (channels last). That is faster.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(encoder).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]

    @property
    def body(self) -> Any:
        return self.encoder.body

    def normalise(self, pixels: Tensor) -> Tensor:
        normalised: Tensor = (pixels.contiguous() - self.encoder.mean) / self.encoder.std
        return normalised

    def forward(self, pixels: Tensor) -> Tensor:
        """uint8 (B, 3, S, S) -> float (B, L, C)."""
        return maps_places(self.body(self.normalise(pixels)))


def pixels_read(paths: Sequence[Path], *, size: int) -> Tensor:
    """uint8 (B, 3, S, S): each photo decoded as a whole, then made smaller."""
    squares = []
    for path in paths:
        with Image.open(path) as image:
            squares.append(np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)))
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)
