"""The classifier of a network: the layers above its last feature maps, which score ImageNet's classes.

An encoder leaves them out. captioner.objects asks them what the photo shows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class TimmClassifier(nn.Module):
    """Maps (B, C, H, H) of timm's network `net` -> scores (B, classes)."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, maps: Tensor) -> Tensor:
        scores: Tensor = self.net.forward_head(maps)  # type: ignore[operator]
        return scores


class TorchvisionClassifier(nn.Module):
    """Maps (B, C, H, H) of torchvision's network `net` -> scores (B, classes). Its families name and pool otherwise."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        import torchvision

        models = torchvision.models
        self.last = next(
            part for name in ("fc", "head", "classifier") if (part := getattr(net, name, None)) is not None
        )
        self.pool: nn.Module = nn.AdaptiveAvgPool2d(1)
        self.flat_first = True
        if isinstance(net, (models.AlexNet, models.VGG)):  # they keep a grid of 6 or 7 places a side
            self.pool = net.avgpool
        elif isinstance(net, (models.ConvNeXt, models.SqueezeNet, models.MaxVit)):  # these begin with maps
            self.pool = net.avgpool if isinstance(net, models.ConvNeXt) else nn.Identity()
            self.flat_first = False

    def forward(self, maps: Tensor) -> Tensor:
        pooled = self.pool(maps)
        return torch.flatten(self.last(pooled.flatten(1) if self.flat_first else pooled), 1)
