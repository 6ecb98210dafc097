"""Cached features: what the frozen part of an encoder (the trunk) makes of photos, computed once, kept on disk.

The name of a cache file is a digest of all that its contents depend on: weights, preprocessing, view, and each photo's
name, size and time of change. So a stale file is never found. An unfinished file is continued: rows are only appended,
by one run at a time.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Never

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from captioner.config import Preprocessing
from captioner.engines import ACCELERATED, encoder_accelerate
from captioner.errors import PhotoError
from captioner.preprocessing import photo_pixels
from training.batches.augmentation import view_pixels
from training.batches.prefetcher import Prefetcher
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

    `trunk`: uint8 (B, 3, S, S) on `device` -> (B, ...). Computes and stores what `directory` lacks. `check` is called
    between batches and may raise to stop. Raises DatasetError for a photo that cannot be decoded and for a full disk.
    """
    device = torch.device(device)
    example = torch.zeros(1, 3, preprocessing.size, preprocessing.size, dtype=torch.uint8, device=device)
    with torch.inference_mode():
        row = trunk(example).cpu()
    row = row if row.dtype == torch.uint8 else row.half()
    dtype = np.dtype(row.numpy().dtype)
    digest = _digest(photos, trunk, preprocessing)
    paths = [directory / f"{digest}.{view}.{dtype.name}" for view in range(views)]
    wanted = [view for view, path in enumerate(paths) if not path.exists()]
    encode: Callable[[Tensor], Tensor] = trunk
    if wanted and device.type == "cpu" and dtype != np.uint8 and len(photos) >= ACCELERATED:
        encode = encoder_accelerate(trunk, size=preprocessing.size, exports=directory)
    rows = _Rows(photos, encode, row, preprocessing, device, check)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for view in wanted:
            rows.complete(paths[view], view)
    except OSError as error:
        raise DatasetError(
            f"The features of the photos could not be kept in {directory} ({error}). They take "
            f"{len(photos) * row.nbytes / 1e9:.1f} GB a view: make room, or name another --features folder. "
            "What is done is kept, and the next run goes on from there."
        ) from error
    return [np.memmap(path, dtype=dtype, mode="r", shape=(len(photos), *row.shape[1:])) for path in paths]


def photos_tensor(photos: Sequence[Path], *, preprocessing: Preprocessing, view: int = 0) -> Tensor:
    """uint8 (B, 3, S, S). Raises DatasetError that names the photo which cannot be decoded."""
    squares = [_square(photo, preprocessing, view) for photo in photos]
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class _Rows:
    """The rows of a cache file. `row`: an example, (1, ...)."""

    photos: Sequence[Path]
    encode: Callable[[Tensor], Tensor]
    row: Tensor
    preprocessing: Preprocessing
    device: torch.device
    check: Callable[[], None]

    def complete(self, path: Path, view: int) -> None:
        """Appends to an unfinished file what it lacks, and gives it its name."""
        partial = path.with_suffix(".partial")
        bar: tqdm[Never] = tqdm(total=len(self.photos), desc=f"features, view {view + 1}", unit="photo", disable=None)
        with bar, partial.open("ab") as file:
            self._lock(file, bar)
            if path.exists():  # the other run has finished it
                partial.unlink(missing_ok=True)
                return
            batches = file.seek(0, os.SEEK_END) // self.row.nbytes // BATCH
            done = batches * BATCH  # whole batches: only the same photos together give the same values to the last bit
            file.truncate(done * self.row.nbytes)
            bar.update(done)
            self._append(file, view, bar, done)
            file.flush()
            os.fsync(file.fileno())
            partial.replace(path)

    def _append(self, file: BinaryIO, view: int, bar: tqdm[Never], done: int) -> None:
        with torch.inference_mode(), Prefetcher(self._pixels(view, done)) as batches:
            for pixels in batches:
                self.check()
                rows = self.encode(pixels.to(self.device)).to("cpu", self.row.dtype)
                file.write(rows.contiguous().numpy().tobytes())
                bar.update(len(pixels))

    def _pixels(self, view: int, done: int) -> Iterator[Tensor]:
        for first in range(done, len(self.photos), BATCH):
            yield photos_tensor(self.photos[first : first + BATCH], preprocessing=self.preprocessing, view=view)

    def _lock(self, file: BinaryIO, bar: tqdm[Never]) -> None:
        """Waits while another run computes the same."""
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                bar.set_postfix_str("another run computes them")
                self.check()
                time.sleep(0.2)
            else:
                return


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
