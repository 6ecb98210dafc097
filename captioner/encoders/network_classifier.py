"""The classifier of a network: the layers above its last feature maps, which score ImageNet's classes.

An encoder leaves them out. captioner.objects asks them what the photo shows.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class TimmClassifier(nn.Module):
    """Maps (B, C, H, H) of timm's network `net` -> scores (B, classes)."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, maps: Tensor) -> Tensor:
        scores: Tensor = self.net.forward_head(maps)  # type: ignore[operator]
        return scores


def torchvision_classifier(net: Any) -> nn.Module:
    """Maps (B, C, H, H) of torchvision's network `net` -> scores (B, classes). Its families name and pool otherwise."""
    import torchvision

    models = torchvision.models
    parts = (getattr(net, name, None) for name in ("fc", "head", "classifier"))
    last = next(part for part in parts if part is not None)
    if isinstance(net, (models.SqueezeNet, models.MaxVit)):  # theirs pool by themselves
        return nn.Sequential(last, nn.Flatten())
    if isinstance(net, models.ConvNeXt):  # it flattens by itself
        return nn.Sequential(net.avgpool, last)
    # Those two keep a grid of 6 or 7 places a side.
    pool = net.avgpool if isinstance(net, (models.AlexNet, models.VGG)) else nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(pool, nn.Flatten(), last)
