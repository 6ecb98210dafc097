"""Reads a photo file into pixels. Runs in a child process: no Django, no torch."""

from pathlib import Path
from typing import Any

import numpy as np

from captioner.errors import PhotoError
from captioner.preprocessing import photo_pixels

CHUNK_BYTES = 2**20


def photo_open(path: Path, **options: Any) -> np.ndarray:
    """`photo_pixels`, with two errors told apart from the file's own.

    Raises:
        PhotoError: the file is no photo that can be decoded.
        MemoryError: it does not fit into the child's memory. Staff may retry it with more (FOVEA_DECODE_MEMORY_MB).
        OSError: it cannot be read for a reason that is not its own, such as a media folder that is away.
    """
    try:
        return photo_pixels(path, **options)
    except PhotoError as error:
        cause = error.__cause__
        if isinstance(cause, MemoryError) or "out of memory" in str(cause).lower():
            raise MemoryError(error.message) from None
        _read(path)
        raise


def _read(path: Path) -> None:
    """Raises OSError if the file cannot be read. No error if only this file is missing, not its whole folder."""
    try:
        with path.open("rb") as file:
            while file.read(CHUNK_BYTES):
                pass
    except FileNotFoundError:
        if not path.parents[2].is_dir():  # a file's path: kind / two digits / folder / file
            raise
