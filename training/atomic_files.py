"""Writes files as a whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from training.errors import FileError


def file_write(path: Path, content: str | bytes) -> None:
    """Writes beside `path`, flushes and renames. A kill leaves the former file or the new one.

    Text is UTF-8. The folder is made. Raises FileError, for a full disk for example. The former file stays then.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # the first error tells why
            partial.unlink(missing_ok=True)
        raise FileError(
            f"{path} could not be written ({error.strerror or error}). Make room on that disk, make the folder "
            "yours to write, or choose another place: what was there before is whole."
        ) from error
