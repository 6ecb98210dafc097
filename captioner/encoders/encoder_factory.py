"""From a name to an encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from captioner.config import EncoderConfig, Preprocessing, WeightsReference
from captioner.encoders.encoder import Encoder
from captioner.encoders.encoder_catalogue import encoder_pretraining
from captioner.encoders.network_stages import network_channels, network_create
from captioner.encoders.pretrained_weights import weights_path, weights_read, weights_sha256
from captioner.errors import BundleIncompatible, BundleMissing


def encoder_config(name: str, *, weights_file: Path | None = None) -> EncoderConfig:
    """The configuration of encoder `name` with its usual ImageNet weights, or with those of a local file.

    `name`: one of captioner.config.ENCODERS, timm/NAME or torchvision/NAME. `weights_file`: .pth, .pt or .safetensors.
    Raises BundleIncompatible (no such encoder, or no grid of features) or BundleMissing.
    """
    pretraining = encoder_pretraining(name)
    weights = pretraining.weights
    if weights_file is not None:
        weights = WeightsReference("file", str(weights_file), weights_sha256(weights_file))
    if weights is None:
        raise BundleMissing(f"There are no weights of the encoder {name}. Give a file with --encoder-weights FILE.")
    channels = pretraining.channels
    if channels is None:
        network = network_create(name, tensors=None, source="")
        channels = network_channels(network, name=name, size=pretraining.size)
    return EncoderConfig(name, weights, channels)


def encoder_config_pinned(config: EncoderConfig) -> EncoderConfig:
    """The configuration with the sha256 of its foreign weights: a bundle that refers to them must name it.

    Raises BundleMissing.
    """
    weights = config.weights
    if weights.source == "bundle" or weights.sha256 is not None:
        return config
    return replace(config, weights=replace(weights, sha256=weights_sha256(weights_path(config))))


def encoder_preprocessing(name: str, *, size: int = 224, resize: str = "squash") -> Preprocessing:
    """The preprocessing that encoder `name` was pretrained with, at `size` and with the given resize policy.

    Raises BundleIncompatible where there is no encoder of that name.
    """
    pretraining = encoder_pretraining(name)
    return Preprocessing(
        size=size,
        resize=resize,
        interpolation=pretraining.interpolation,
        mean=pretraining.mean,
        std=pretraining.std,
    )


def encoder_create(config: EncoderConfig, *, preprocessing: Preprocessing) -> Encoder:
    """An encoder in evaluation mode, with the weights that `config` refers to.

    With source "bundle" the weights stay random and nothing is fetched: captioner.bundle fills them in. Raises
    BundleMissing when the weights are not on this machine and cannot be fetched, BundleCorrupt when they have another
    sha256, BundleIncompatible when they are another network's or the encoder cannot take photos of that size.
    """
    tensors = None if config.weights.source == "bundle" else weights_read(config)
    network = network_create(config.name, tensors=tensors, source=config.weights.name)
    channels = network_channels(network, name=config.name, size=preprocessing.size)
    if channels != config.feature_channels:
        raise BundleIncompatible(
            f"The encoder {config.name} gives features of {channels} channels, but its configuration says "
            f"{config.feature_channels}. Use the version of Fovea that wrote the bundle, or train a new one."
        )
    encoder = Encoder(network, preprocessing=preprocessing)
    return encoder.eval().to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]
