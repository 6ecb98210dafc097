"""Opening a photo, in a child process: no Django, no torch."""

from pathlib import Path
from typing import Any

import numpy as np

from captioner.errors import PhotoError
from captioner.preprocessing import photo_pixels


def photo_open(path: Path, **options: Any) -> np.ndarray:
    """`photo_pixels`; but what does not fit into the child's memory is a MemoryError, for the sandbox to report.

    For the library it is one more photo that cannot be read. Here the limit is the child's, and staff may retry the
    photo with more (FOVEA_DECODE_MEMORY_MB).

    Raises:
        PhotoError, MemoryError
    """
    try:
        return photo_pixels(path, **options)
    except PhotoError as error:
        cause = error.__cause__
        if isinstance(cause, MemoryError) or "out of memory" in str(cause).lower():
            raise MemoryError(error.message) from None
        raise
