"""Whether photos can be read: known before hours of training, not in the middle of them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from captioner.config import Preprocessing
from captioner.errors import PhotoError
from captioner.preprocessing import photo_pixels

_AT_ONCE = 256  # photos handed to the threads together: so many are still looked at after Ctrl-C
_THREADS = 8  # each may hold a photo of 50 megapixels
# As small as can be: JPEG is decoded to an eighth of its size, but to its end. All else that the model's own size
# would meet is met as well.
_SMALL = Preprocessing(size=32)


def photos_unreadable(photos: Sequence[Path]) -> dict[Path, str]:
    """Decodes each photo as the model's preprocessing does; of those that fail, why. A bar shows how far it is."""
    found: dict[Path, str] = {}
    threads = min(_THREADS, os.cpu_count() or 1)
    bar = tqdm(total=len(photos), desc="reading photos", unit="photo", disable=None)
    # Threads take turns in changing the filters of warnings and putting them back, so that those of one may outlast
    # it: what they do is undone here.
    with bar, ThreadPoolExecutor(threads) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for first in range(0, len(photos), _AT_ONCE):
            some = photos[first : first + _AT_ONCE]
            found |= {path: fault for path, fault in zip(some, pool.map(_fault, some), strict=True) if fault}
            bar.update(len(some))
    return found


def photo_is_file(path: Path) -> bool:
    """False too where the system refuses the name, or a look into the folder."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _fault(path: Path) -> str:
    try:
        photo_pixels(path, preprocessing=_SMALL)
    except PhotoError as error:
        return error.message
    return ""
