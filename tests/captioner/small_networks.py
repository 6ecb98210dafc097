"""Small networks of timm and torchvision with random weights, and encoders made of them."""

from pathlib import Path
from typing import Any

import timm
import torch
import torchvision

from captioner.config import EncoderConfig, WeightsReference
from captioner.encoders import Encoder, encoder_config, encoder_create, encoder_preprocessing

SIZE = 96


def network(name: str, **options: Any) -> torch.nn.Module:
    """The library's own network, random, with its classifier."""
    library, _, own = name.partition("/")
    torch.manual_seed(1)
    make = timm.create_model if library == "timm" else torchvision.models.get_model
    net: torch.nn.Module = make(own, **options)
    return net.eval()


def saved(net: torch.nn.Module, path: Path) -> Path:
    torch.save(net.state_dict(), path)
    return path


def created(name: str, weights: Path | None) -> Encoder:
    """Weights None: random ones, as for a bundle that carries the encoder."""
    preprocessing = encoder_preprocessing(name, size=SIZE)
    if weights is not None:
        return encoder_create(encoder_config(name, weights_file=weights), preprocessing=preprocessing)
    channels = encoder_config(name).feature_channels
    return encoder_create(
        EncoderConfig(name, WeightsReference("bundle", "model.safetensors"), channels), preprocessing=preprocessing
    )


def pixels(count: int = 2) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(2), dtype=torch.uint8)
