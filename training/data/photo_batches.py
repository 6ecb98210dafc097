"""Photos read in batches, with a progress bar on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from tqdm import tqdm

from captioner.config import Preprocessing
from captioner.errors import PhotoError
from captioner.preprocessing import photo_pixels
from training.data.dataset import CaptionedPhoto
from training.errors import DatasetError

BATCH = 32


def photos_batched(
    photos: Sequence[CaptionedPhoto], *, preprocessing: Preprocessing, what: str
) -> Iterator[tuple[Sequence[CaptionedPhoto], list[np.ndarray]]]:
    """BATCH photos at a time, and their pixels: uint8 (S, S, 3) each. `what`: the bar's title.

    Raises DatasetError for a photo that cannot be read.
    """
    with tqdm(total=len(photos), desc=what, unit="photo", disable=None) as bar:
        for first in range(0, len(photos), BATCH):
            batch = photos[first : first + BATCH]
            yield batch, [_pixels(photo, preprocessing) for photo in batch]
            bar.update(len(batch))


def _pixels(photo: CaptionedPhoto, preprocessing: Preprocessing) -> np.ndarray:
    try:
        return photo_pixels(photo.path, preprocessing=preprocessing)
    except PhotoError as error:
        raise DatasetError(f"{photo.path}: {error} Replace it, or take it out of the captions.") from error
