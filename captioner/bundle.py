"""The model contract: a directory with all that captions need, written once and never changed.

    model.safetensors   the decoder's weights under "decoder.", a fine-tuned encoder's under "encoder.", float16
                        (float32 where a number of the tensor is too great for it)
    config.json         captioner.config.BundleConfig
    vocab.json          captioner.vocabulary.Vocabulary
    metrics.json        scores, for people and for the model gate
    MODEL_CARD.md       what it was trained on, what it may be used for, where it fails
    objects.json        captioner.objects.object_words.ObjectWords, if the bundle has an object head
    manifest.json       {"format_version": 1, "files": {name: sha256}}

The sha256 of manifest.json's bytes is the model's version. No file holds a pickle.
Saving, validating and describing need no torch, only loading does.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from captioner.config import FORMAT_VERSION, BundleConfig, WeightsReference
from captioner.errors import BundleCorrupt, BundleIncompatible, BundleMissing, VocabularyError
from captioner.objects.object_words import ObjectWords
from captioner.vocabulary import Vocabulary

if TYPE_CHECKING:
    from torch import nn

    from captioner.encoders import Encoder
    from captioner.lstm_decoders import Decoder
    from captioner.objects.object_head import ObjectHead

MODEL, CONFIG, VOCABULARY, METRICS, CARD = FILES = (
    "model.safetensors",
    "config.json",
    "vocab.json",
    "metrics.json",
    "MODEL_CARD.md",
)
OBJECTS = "objects.json"  # only with an object head
MANIFEST = "manifest.json"
_REMEDY = "Restore the bundle from where it came from, or train a new one with: manage.py train_captioner"


@dataclass(frozen=True)
class Bundle:
    """A loaded model. `version`: 64 hex digits. The modules are in evaluation mode, float32, on the CPU.

    `object_words`, `object_head`: None where it has no object head.
    """

    version: str
    config: BundleConfig
    vocabulary: Vocabulary
    metrics: dict[str, Any]
    card: str
    encoder: Encoder
    decoder: Decoder
    object_words: ObjectWords | None = None
    object_head: ObjectHead | None = None


def bundle_save(
    directory: Path,
    *,
    decoder: Decoder,
    config: BundleConfig,
    vocabulary: Vocabulary,
    metrics: Mapping[str, Any],
    card: str,
    encoder: Encoder | None = None,
    object_words: ObjectWords | None = None,
) -> str:
    """Writes a bundle and returns its version. `object_words`: given if the configuration names an object head.

    `encoder`: given when its weights are to lie in the bundle (fine-tuned, or from a local file, which no reader of
    the bundle would have); the configuration then refers to the bundle for them. Readers see the whole bundle or none:
    it is written beside its place, flushed and renamed. Raises BundleIncompatible when `directory` exists, when the
    encoder is to lie in the bundle and is not given, or when the decoder does not know the vocabulary's words.
    """
    from safetensors.torch import save

    if directory.exists():
        raise BundleIncompatible(f"{directory} exists already, and a bundle is never changed. Choose another place.")
    if encoder is None and config.encoder.weights.carried:
        raise BundleIncompatible(
            f"The encoder's weights come from {config.encoder.weights.name} ({config.encoder.weights.source}), which "
            "nobody who loads the bundle has. Save the encoder with it: bundle_save(..., encoder=...)."
        )
    if (config.objects is None) != (object_words is None):
        raise BundleIncompatible("A bundle with an object head needs both its configuration and its table of words.")
    _vocabulary_require(decoder.state_dict(), vocabulary)
    tensors = {f"decoder.{key}": value for key, value in decoder.state_dict().items()}
    if encoder is not None:
        tensors |= {f"encoder.{key}": value for key, value in encoder.state_dict().items()}
        config = replace(config, encoder=replace(config.encoder, weights=WeightsReference("bundle", MODEL)))
    contents = {
        MODEL: save({key: _stored(value) for key, value in tensors.items()}),
        CONFIG: _json(config.to_dict()),
        VOCABULARY: vocabulary.to_json().encode(),
        METRICS: _json(dict(metrics)),
        CARD: card.encode(),
    }
    if object_words is not None:
        contents[OBJECTS] = f"{object_words.to_json()}\n".encode()
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    contents[MANIFEST] = _json({"format_version": FORMAT_VERSION, "files": digests})
    directory.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        for name, data in contents.items():
            with (partial / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        partial.chmod(0o755)  # mkdtemp's 0700 would hide it from a worker that runs as another user
        partial.rename(directory)
        path_flush(directory.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return hashlib.sha256(contents[MANIFEST]).hexdigest()


def bundle_validate(directory: Path) -> str:
    """The bundle's version, once every file is known to be the one that was saved. Needs no torch.

    Raises BundleMissing, BundleCorrupt or BundleIncompatible.
    """
    if not directory.is_dir():
        raise BundleMissing(f"There is no model bundle at {directory}. {_REMEDY}.")
    manifest = _json_object(directory / MANIFEST)
    if (found := manifest.get("format_version")) != FORMAT_VERSION:
        raise BundleIncompatible(
            f"{directory / MANIFEST} has format_version {found!r}; this version of Fovea reads {FORMAT_VERSION}. "
            "Use the version of Fovea that wrote the bundle, or train a new one."
        )
    digests = manifest.get("files")
    if not isinstance(digests, dict) or set(digests) - {OBJECTS} != set(FILES):
        raise BundleCorrupt(f"{directory / MANIFEST} must list {', '.join(FILES)}. {_REMEDY}.")
    for name in digests:
        path = directory / name
        if not path.is_file():
            raise BundleMissing(f"The bundle's file {path} is missing. {_REMEDY}.")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != digests[name]:
            raise BundleCorrupt(f"{path} has sha256 {digest}; its manifest says {digests[name]}. {_REMEDY}.")
    return hashlib.sha256((directory / MANIFEST).read_bytes()).hexdigest()


def bundle_describe(directory: Path) -> dict[str, Any]:
    """What the bundle says about itself, as plain data: version, config, vocabulary (words), metrics, card.

    Validates it first, and raises as bundle_validate does. Needs no torch.
    """
    version, config, vocabulary = _read(directory)
    return {
        "version": version,
        "config": config.to_dict(),
        "vocabulary": list(vocabulary.words),
        "metrics": _json_object(directory / METRICS),
        "card": (directory / CARD).read_text(encoding="utf-8"),
    }


def bundle_load(directory: Path) -> Bundle:
    """The model, ready to run on the CPU. Raises BundleMissing, BundleCorrupt or BundleIncompatible."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from captioner.encoders import encoder_create
    from captioner.lstm_decoders import decoder_create
    from captioner.objects.object_head import object_head_create

    version, config, vocabulary = _read(directory)
    encoder = encoder_create(config.encoder, preprocessing=config.preprocessing)
    decoder = decoder_create(
        config.decoder,
        vocabulary_size=len(vocabulary),
        feature_channels=config.encoder.feature_channels,
    ).eval()
    path = directory / MODEL
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise BundleCorrupt(f"{path} is not a safetensors file ({error}). {_REMEDY}.") from error
    parts: list[tuple[str, Decoder | Encoder]] = [("decoder", decoder)]
    if config.encoder.weights.source == "bundle":
        parts.append(("encoder", encoder))
    for name, module in parts:
        own = {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
        if name == "decoder":
            _vocabulary_require(own, vocabulary)
        try:
            module.load_state_dict(own)  # copies into float32
        except RuntimeError as error:
            raise BundleIncompatible(
                f"The weights in {path} do not fit the {name} that {CONFIG} and {VOCABULARY} describe: {error}. "
                f"{_REMEDY}."
            ) from error
    metrics, card = _json_object(directory / METRICS), (directory / CARD).read_text(encoding="utf-8")
    words = head = None
    if config.objects is not None:
        words = ObjectWords.from_json(_text(directory / OBJECTS))
        head = object_head_create(
            replace(config.encoder, weights=config.objects.weights),
            encoder,
            shared=config.objects.shared,
            classes=words.classes,
        )
    return Bundle(version, config, vocabulary, metrics, card, encoder, decoder, words, head)


def _read(directory: Path) -> tuple[str, BundleConfig, Vocabulary]:
    version = bundle_validate(directory)
    try:
        vocabulary = Vocabulary.load(directory / VOCABULARY)
    except VocabularyError as error:
        raise BundleCorrupt(f"{directory / VOCABULARY}: {error} {_REMEDY}.") from error
    config = BundleConfig.from_dict(_json_object(directory / CONFIG))
    if (config.objects is not None) != (OBJECTS in _json_object(directory / MANIFEST)["files"]):
        raise BundleCorrupt(f"{directory / CONFIG} and {MANIFEST} disagree on whether there is {OBJECTS}. {_REMEDY}.")
    return version, config, vocabulary


def _vocabulary_require(decoder: Mapping[str, Any], vocabulary: Vocabulary) -> None:
    """`decoder`: its state. Raises BundleIncompatible where it has an embedding for more words, or fewer."""
    embedding = decoder.get("embedding.weight")
    if embedding is not None and len(embedding) != len(vocabulary):
        raise BundleIncompatible(
            f"The decoder's weights do not fit {VOCABULARY}: they are of {len(embedding)} words, and it lists "
            f"{len(vocabulary)}. {_REMEDY}."
        )


def weights_round(module: nn.Module) -> None:
    """Makes of its weights what a bundle keeps of them."""
    for tensor in module.state_dict().values():
        tensor.copy_(_stored(tensor))  # outside of autograd: a state_dict is detached


def _stored(tensor: Any) -> Any:
    tensor = tensor.detach().cpu().contiguous()
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return tensor.float() if bool((half.isinf() & ~tensor.isinf()).any()) else half


def _json(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BundleMissing(f"The bundle's file {path} is missing. {_REMEDY}.") from error
    except UnicodeDecodeError as error:
        raise BundleCorrupt(f"{path} is not UTF-8 text ({error}). {_REMEDY}.") from error


def _json_object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise BundleMissing(f"The bundle's file {path} is missing. {_REMEDY}.") from error
    except ValueError as error:
        raise BundleCorrupt(f"{path} is not JSON ({error}). {_REMEDY}.") from error
    if not isinstance(found, dict):
        raise BundleCorrupt(f"{path} must hold a JSON object. {_REMEDY}.")
    return found


def path_flush(path: Path) -> None:
    """Flushes a file or a directory to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
