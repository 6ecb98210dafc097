"""Opening a photo, in a child process: no Django, no torch."""

from pathlib import Path
from typing import Any

import numpy as np

from captioner.errors import PhotoError
from captioner.preprocessing import photo_pixels

CHUNK_BYTES = 2**20


def photo_open(path: Path, **options: Any) -> np.ndarray:
    """`photo_pixels`; but what does not fit into the child's memory is a MemoryError, for the sandbox to report.

    For the library it is one more photo that cannot be read. Here the limit is the child's, and staff may retry the
    photo with more (FOVEA_DECODE_MEMORY_MB). And what cannot be read at all for a reason that is not the file's own,
    such as a media folder that is away, is an OSError.

    Raises:
        PhotoError, MemoryError, OSError
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
    """Raises OSError, unless the file can be read or is alone in missing."""
    try:
        with path.open("rb") as file:
            while file.read(CHUNK_BYTES):
                pass
    except FileNotFoundError:
        if not path.parents[2].is_dir():  # it lies in kind, two digits, folder
            raise
