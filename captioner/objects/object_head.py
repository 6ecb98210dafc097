"""The classifier's last stages and layer. Its first stages are the encoder's own, so they run once for both."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from captioner.config import EncoderConfig
from captioner.encoders.encoder import Encoder, maps_places
from captioner.encoders.network_stages import network_create
from captioner.encoders.pretrained_weights import weights_read
from captioner.errors import BundleIncompatible


class ObjectHead(nn.Module):
    """`shared`: how many of the encoder's first stages the classifier has too. `stages`: those that it has alone."""

    def __init__(self, shared: int, stages: list[nn.Module], classify: nn.Module) -> None:
        super().__init__()
        self.shared = shared
        self.stages = nn.Sequential(*stages)
        self.classify = classify

    def see(self, encoder: Encoder, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 (B, 3, S, S) -> the encoder's features (B, L, C) and the scores of the classes (B, N)."""
        maps = encoder.normalise(pixels)
        encoder_stages = [stage for _, stage in encoder.body.stages()]
        for stage in encoder_stages[: self.shared]:
            maps = stage(maps)
        features = maps
        for stage in encoder_stages[self.shared :]:
            features = stage(features)
        scores: Tensor = self.classify(self.stages(maps))
        return maps_places(features), scores


def object_head_create(config: EncoderConfig, encoder: Encoder, *, shared: int, classes: int) -> ObjectHead:
    """The head of the classifier that `config` names, on the first `shared` stages of `encoder`, in evaluation mode.

    Raises BundleMissing, BundleCorrupt, or BundleIncompatible where the network has another number of classes.
    """
    network = network_create(config.name, tensors=weights_read(config), source=config.weights.name, classifier=True)
    assert network.classify is not None
    own = network.stages()
    head = ObjectHead(shared, [stage for _, stage in own[shared:]], network.classify)
    with torch.no_grad():
        found = head.classify(torch.zeros(1, config.feature_channels, 7, 7)).shape[1]
    if found != classes:
        raise BundleIncompatible(
            f"The classifier of {config.name} knows {found} classes, and its table of words has {classes}. "
            "Use the bundle without an object head, or one of a network trained on ImageNet's 1,000 classes."
        )
    return head.to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]


def stages_frozen(config: EncoderConfig, encoder: Encoder) -> int:
    """How many of the first stages of `encoder` have the weights that `config` names, as a bundle rounds them."""
    own = network_create(config.name, tensors=weights_read(config), source=config.weights.name).stages()
    same = (_same(mine, theirs) for (_, mine), (_, theirs) in zip(own, encoder.body.stages(), strict=True))
    return sum(itertools.takewhile(bool, same))


def _same(one: nn.Module, other: nn.Module) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(
        torch.equal(value.half(), theirs[key].half()) for key, value in mine.items() if value.is_floating_point()
    )
