"""What the frozen part of an encoder makes of photos, computed once and kept on disk.

A cache file's name is a digest of all that its contents depend on (the weights themselves, preprocessing, the view,
each photo's name, size and time of change), so a stale one is never read: it is not found. An unfinished one is
continued: rows are only ever appended.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from captioner.acceleration import encoder_accelerate
from torch import Tensor, nn
from tqdm import tqdm

from captioner.config import Preprocessing
from captioner.errors import PhotoError
from captioner.preprocessing import photo_pixels
from training.data.prefetch import Prefetcher
from training.data.views import view_pixels
from training.errors import DatasetError

BATCH = 16


def features_cached(
    photos: Sequence[Path],
    *,
    trunk: nn.Module,
    preprocessing: Preprocessing,
    directory: Path,
    views: int = 1,
    device: torch.device | str = "cpu",
    check: Callable[[], None] = lambda: None,
) -> list[np.memmap]:
    """`trunk` of each photo in its first `views` views: float16 (N, ...), or uint8 where it only passes pixels on.

    `trunk`: uint8 (B, 3, S, S) on `device` -> (B, ...). Computes and stores what `directory` lacks; `check` is called
    between batches and may raise to stop. Raises DatasetError that names a photo which cannot be decoded, or the full
    disk.
    """
    device = torch.device(device)
    example = torch.zeros(1, 3, preprocessing.size, preprocessing.size, dtype=torch.uint8, device=device)
    with torch.inference_mode():
        one = trunk(example).cpu()
    one = one if one.dtype == torch.uint8 else one.half()
    dtype = np.dtype(one.numpy().dtype)
    digest = _digest(photos, trunk, preprocessing)
    paths = [directory / f"{digest}.{view}.{dtype.name}" for view in range(views)]
    wanted = [view for view, path in enumerate(paths) if not path.exists()]
    encode: Callable[[Tensor], Tensor] = trunk
    if wanted and device.type == "cpu" and dtype != np.uint8:
        encode = encoder_accelerate(trunk, example=example)
    for view in wanted:
        partial = paths[view].with_suffix(".partial")
        try:
            directory.mkdir(parents=True, exist_ok=True)
            _rows_append(
                partial,
                photos,
                encode=encode,
                one=one,
                preprocessing=preprocessing,
                view=view,
                device=device,
                check=check,
            )
            partial.replace(paths[view])
        except OSError as error:
            raise DatasetError(
                f"The features of the photos could not be kept in {directory} ({error}). They take "
                f"{len(photos) * one.nbytes / 1e9:.1f} GB a view: make room, or name another --features folder. "
                "What is done is kept, and the next run goes on from there."
            ) from error
    return [np.memmap(path, dtype=dtype, mode="r", shape=(len(photos), *one.shape[1:])) for path in paths]


def photos_tensor(photos: Sequence[Path], *, preprocessing: Preprocessing, view: int = 0) -> Tensor:
    """uint8 (B, 3, S, S). Raises DatasetError that names the photo which cannot be decoded."""
    squares = [_square(photo, preprocessing, view) for photo in photos]
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)


def _rows_append(
    partial: Path,
    photos: Sequence[Path],
    *,
    encode: Callable[[Tensor], Tensor],
    one: Tensor,
    preprocessing: Preprocessing,
    view: int,
    device: torch.device,
    check: Callable[[], None],
) -> None:
    """`one`: a row as it is to be kept."""
    row_bytes = one.nbytes
    with partial.open("ab") as file:
        done = file.tell() // row_bytes
        file.truncate(done * row_bytes)  # a torn last row
        bar = tqdm(total=len(photos), initial=done, desc=f"features, view {view + 1}", unit="photo", disable=None)
        with bar, torch.inference_mode(), Prefetcher(_squares(photos[done:], preprocessing, view)) as batches:
            for pixels in batches:
                check()
                rows = encode(pixels.to(device)).to("cpu", one.dtype)
                file.write(rows.contiguous().numpy().tobytes())
                bar.update(len(pixels))


def _squares(photos: Sequence[Path], preprocessing: Preprocessing, view: int) -> Iterator[Tensor]:
    for first in range(0, len(photos), BATCH):
        yield photos_tensor(photos[first : first + BATCH], preprocessing=preprocessing, view=view)


def _square(photo: Path, preprocessing: Preprocessing, view: int) -> np.ndarray:
    try:
        pixels = photo_pixels(photo, preprocessing=preprocessing)
    except PhotoError as error:
        raise DatasetError(f"{photo}: {error} Replace it, or leave it out with --skip-bad.") from error
    return view_pixels(pixels, view=view, key=photo.name)


def _digest(photos: Sequence[Path], trunk: nn.Module, preprocessing: Preprocessing) -> str:
    files = [(path.name, (stat := path.stat()).st_size, stat.st_mtime_ns) for path in photos]
    digest = hashlib.sha256(json.dumps([preprocessing.to_dict(), files], sort_keys=True).encode())
    for name, tensor in trunk.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
