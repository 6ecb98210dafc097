"""What a bundle says about its model: plain data, checked when made, stored as JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from captioner.errors import BundleCorrupt, BundleIncompatible

FORMAT_VERSION = 1
BEAM_MAX = 50  # time and memory grow with it, quality does not

RESIZE_POLICIES = ("squash", "crop", "pad")
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")
WEIGHT_SOURCES = ("package", "torchvision", "timm", "bundle", "file")
ENCODERS = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "resnet50")
_LIBRARY_ENCODER = re.compile(r"(timm|torchvision)/[A-Za-z0-9_.-]+")  # which of them there are the libraries know
DECODERS = ("show_attend_and_tell", "show_and_tell", "tutorial")
SCORINGS = ("additive", "dot")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise BundleIncompatible(message)


def _one_of(what: str, value: object, allowed: tuple[str, ...]) -> None:
    _require(value in allowed, f"{what} is {value!r}; this version knows {', '.join(allowed)}.")


def _object(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    if not isinstance(value, Mapping):
        raise BundleCorrupt(f"The configuration's {key!r} must be a JSON object, not {value!r}.")
    return value


class _Record:
    """to_dict and from_dict for the dataclasses below."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Raises BundleCorrupt when `data` lacks a field, has one too many or one of the wrong type."""
        known = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        if unknown := set(data) - known:
            raise BundleIncompatible(
                f"{cls.__name__} has fields that this version does not know: {', '.join(sorted(unknown))}. "
                "Use the version of Fovea that wrote the bundle, or train a new one."
            )
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
        try:
            return cls(**values)
        except TypeError as error:
            raise BundleCorrupt(f"{cls.__name__} is incomplete or malformed: {error}.") from error


@dataclass(frozen=True)
class Preprocessing(_Record):
    """How a photo becomes a square of pixels, and pixels become encoder input.

    `resize`: "squash" ignores the aspect ratio, "crop" cuts the centre square, "pad" fills up with white.
    `mean` and `std` refer to channel values scaled to 0..1 and are applied on the model's device.
    """

    size: int = 224
    resize: str = "squash"
    interpolation: str = "bicubic"
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)

    def __post_init__(self) -> None:
        _one_of("Preprocessing.resize", self.resize, RESIZE_POLICIES)
        _one_of("Preprocessing.interpolation", self.interpolation, INTERPOLATIONS)
        _require(32 <= self.size <= 1024, f"Preprocessing.size is {self.size}; it must lie in 32..1024.")
        _require(
            (len(self.mean), len(self.std)) == (3, 3) and min(self.std) > 0,
            "Preprocessing.mean and .std must hold three numbers, those of std above 0.",
        )


@dataclass(frozen=True)
class WeightsReference(_Record):
    """Where the encoder's weights come from.

    `source`: "package" (an installed Python package named `name`), "torchvision" (an entry of its weights enum), "timm"
    (its ARCHITECTURE.TAG), "file" (a path, while training only: a bundle carries a copy), "bundle" (inside
    model.safetensors). `sha256` is that of the foreign file, as hex; None only for "bundle", and before the first look.
    """

    source: str
    name: str
    sha256: str | None = None

    def __post_init__(self) -> None:
        _one_of("WeightsReference.source", self.source, WEIGHT_SOURCES)

    @property
    def carried(self) -> bool:
        """Whether a bundle must hold the weights itself: those of a local file, or fine-tuned ones."""
        return self.source in {"file", "bundle"}


class _WeightedRecord(_Record):
    """A record with a field `weights`."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        return super().from_dict({**data, "weights": WeightsReference.from_dict(_object(data, "weights"))})


@dataclass(frozen=True)
class EncoderConfig(_WeightedRecord):
    """`name`: one of ENCODERS, timm/NAME or torchvision/NAME. `feature_channels`: C of its (B, L, C) features."""

    name: str
    weights: WeightsReference
    feature_channels: int

    def __post_init__(self) -> None:
        _require(
            self.name in ENCODERS or bool(_LIBRARY_ENCODER.fullmatch(str(self.name))),
            f"EncoderConfig.name is {self.name!r}; this version knows {', '.join(ENCODERS)}, timm/NAME and "
            "torchvision/NAME.",
        )
        _require(self.feature_channels > 0, "EncoderConfig.feature_channels must be above 0.")


@dataclass(frozen=True)
class DecoderConfig(_Record):
    """Sizes of the decoder's layers. `annotation` and `attention` matter to show_attend_and_tell alone.

    `annotation`: channels that the encoder's features are projected to before anything attends to them.
    `attention`: width of what places are scored by. `scoring`: "additive" (Xu et al. 2015, equation 4), or "dot",
    scaled dot products with the last word in the query (captioner.lstm_decoders.show_attend_and_tell).
    """

    name: str = "show_attend_and_tell"
    embedding: int = 512
    hidden: int = 512
    annotation: int = 512
    attention: int = 256
    dropout: float = 0.5
    scoring: str = "additive"

    def __post_init__(self) -> None:
        _one_of("DecoderConfig.name", self.name, DECODERS)
        _one_of("DecoderConfig.scoring", self.scoring, SCORINGS)
        sizes = (self.embedding, self.hidden, self.annotation, self.attention)
        _require(min(sizes) > 0, f"DecoderConfig's sizes must be above 0, not {sizes}.")
        _require(0 <= self.dropout < 1, f"DecoderConfig.dropout is {self.dropout}; it must lie in 0..1.")


@dataclass(frozen=True)
class DecodingDefaults(_Record):
    """How captions are searched for unless the caller says otherwise (see captioner.beam_search).

    `consensus`: `votes` of captioner.consensus; 0: captions stay in the order of the search, whatever `certainty` is.
    `certainty`: see there.
    """

    beam: int = 3
    max_words: int = 20
    length_penalty: float = 0.7
    consensus: float = 0.0
    certainty: float = 0.0

    def __post_init__(self) -> None:
        _require(1 <= self.beam <= BEAM_MAX, f"DecodingDefaults.beam is {self.beam}; it must lie in 1..{BEAM_MAX}.")
        _require(1 <= self.max_words <= 100, f"DecodingDefaults.max_words is {self.max_words}; must lie in 1..100.")
        _require(self.length_penalty >= 0, f"DecodingDefaults.length_penalty is {self.length_penalty}; below 0.")
        _require(self.consensus >= 0, f"DecodingDefaults.consensus is {self.consensus}; below 0.")
        _require(self.certainty >= 0, f"DecodingDefaults.certainty is {self.certainty}; below 0.")


@dataclass(frozen=True)
class ObjectsConfig(_WeightedRecord):
    """The object head: the encoder's network as a classifier, with weights of its own (captioner.objects).

    `shared`: how many of the encoder's first stages it takes over. `temperature`: divides its scores. The words of its
    classes stand in the bundle's objects.json.
    """

    weights: WeightsReference
    shared: int
    temperature: float = 1.0

    def __post_init__(self) -> None:
        _require(not self.weights.carried, "ObjectsConfig.weights must be those of a package or a library.")
        _require(self.shared >= 0, f"ObjectsConfig.shared is {self.shared}; below 0.")
        _require(self.temperature > 0, f"ObjectsConfig.temperature is {self.temperature}; it must be above 0.")


@dataclass(frozen=True)
class BundleConfig(_Record):
    """The whole of config.json. `objects`: None where the bundle has no object head."""

    encoder: EncoderConfig
    decoder: DecoderConfig
    preprocessing: Preprocessing
    decoding: DecodingDefaults
    format_version: int = FORMAT_VERSION
    objects: ObjectsConfig | None = None

    def __post_init__(self) -> None:
        _require(
            self.format_version == FORMAT_VERSION,
            f"The bundle's format_version is {self.format_version!r}; this version reads {FORMAT_VERSION}. "
            "Use the version of Fovea that wrote the bundle, or train a new one.",
        )

    def to_dict(self) -> dict[str, Any]:
        """Without `objects` where there are none, so that bundles without them are written as ever."""
        return {key: value for key, value in super().to_dict().items() if key != "objects" or value is not None}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        version = data.get("format_version")
        _require(
            version == FORMAT_VERSION,
            f"The bundle's format_version is {version!r}; this version reads {FORMAT_VERSION}. "
            "Use the version of Fovea that wrote the bundle, or train a new one.",
        )
        made = {
            "encoder": EncoderConfig.from_dict(_object(data, "encoder")),
            "decoder": DecoderConfig.from_dict(_object(data, "decoder")),
            "preprocessing": Preprocessing.from_dict(_object(data, "preprocessing")),
            "decoding": DecodingDefaults.from_dict(_object(data, "decoding")),
        }
        if data.get("objects") is not None:
            made["objects"] = ObjectsConfig.from_dict(_object(data, "objects"))
        return super().from_dict({**data, **made})
