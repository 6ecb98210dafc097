"""Features of a frozen encoder, computed once and kept on disk.

The name of a cache file is a digest of all that its contents depend on (encoder and its weights,
preprocessing, each photo's name, size and time of change), so a stale one is never read: it is not found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from captioner.config import EncoderConfig, Preprocessing
from captioner.encoders import Encoder
from captioner.errors import PhotoError
from captioner.preprocessing import photo_pixels
from training.errors import DatasetError

BATCH = 16


def features_cached(
    photos: Sequence[Path],
    *,
    encoder: Encoder,
    config: EncoderConfig,
    preprocessing: Preprocessing,
    directory: Path,
    mirrored: bool = False,
    device: torch.device | str = "cpu",
) -> np.memmap:
    """float16 (N, L, C), row for row the features of `photos` (of their mirror images if `mirrored`).

    Computes and stores them in `directory` unless they are there. Raises DatasetError that names a photo which
    cannot be decoded.
    """
    directory.mkdir(parents=True, exist_ok=True)
    places = (preprocessing.size // 32) ** 2
    shape = (len(photos), places, config.feature_channels)
    path = directory / f"{_digest(photos, config, preprocessing, mirrored)}.float16"
    if not path.exists():
        partial = path.with_suffix(".partial")
        rows = np.memmap(partial, dtype=np.float16, mode="w+", shape=shape)
        label = "features, mirrored" if mirrored else "features"
        with tqdm(total=len(photos), desc=label, unit="photo", disable=None) as bar:
            for first in range(0, len(photos), BATCH):
                chosen = photos[first : first + BATCH]
                rows[first : first + BATCH] = _encode(chosen, encoder, preprocessing, mirrored, device)
                bar.update(len(chosen))
        rows.flush()
        del rows
        partial.replace(path)
    return np.memmap(path, dtype=np.float16, mode="r", shape=shape)


def photos_tensor(photos: Sequence[Path], *, preprocessing: Preprocessing) -> Tensor:
    """uint8 (B, 3, S, S). Raises DatasetError that names the photo which cannot be decoded."""
    squares = []
    for photo in photos:
        try:
            squares.append(photo_pixels(photo, preprocessing=preprocessing))
        except PhotoError as error:
            raise DatasetError(f"{photo}: {error} Replace it, or take it out of the captions.") from error
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)


def _encode(
    photos: Sequence[Path], encoder: Encoder, preprocessing: Preprocessing, mirrored: bool, device: torch.device | str
) -> np.ndarray:
    pixels = photos_tensor(photos, preprocessing=preprocessing).to(device)
    with torch.inference_mode():
        features = encoder(pixels.flip(-1) if mirrored else pixels)
    rows: np.ndarray = features.to(torch.float16).cpu().numpy()
    return rows


def _digest(photos: Sequence[Path], config: EncoderConfig, preprocessing: Preprocessing, mirrored: bool) -> str:
    files = [(path.name, (stat := path.stat()).st_size, stat.st_mtime_ns) for path in photos]
    parts = [config.to_dict(), preprocessing.to_dict(), mirrored, files]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
