"""Finds unreadable photos before training, which may take hours."""

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

_AT_ONCE = 256  # photos handed to the threads together; they are finished after Ctrl-C
_THREADS = 8  # each may hold a photo of 50 megapixels
# The smallest size: JPEG is decoded to an eighth of its size, but to its end. The checks are those of any size.
_SMALL = Preprocessing(size=32)


def photos_unreadable(photos: Sequence[Path]) -> dict[Path, str]:
    """The photos that fail to decode, and why. The model's preprocessing decodes them. A bar shows the progress."""
    found: dict[Path, str] = {}
    threads = min(_THREADS, os.cpu_count() or 1)
    bar = tqdm(total=len(photos), desc="reading photos", unit="photo", disable=None)
    # Each thread changes the filters of warnings and puts them back, but they overlap: the filters of one may outlast
    # it. They are put back here.
    with bar, ThreadPoolExecutor(threads) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for first in range(0, len(photos), _AT_ONCE):
            some = photos[first : first + _AT_ONCE]
            found |= {path: fault for path, fault in zip(some, pool.map(_fault, some), strict=True) if fault}
            bar.update(len(some))
    return found


def photo_is_file(path: Path) -> bool:
    """False also if the system refuses the name or the folder."""
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
