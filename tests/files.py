"""What tests do to files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def pipe_replaced(path: Path) -> Iterator[None]:
    """A pipe in the place of a file: whoever opens it waits for ever. At the end the file is there again."""
    aside = path.with_name(f"{path.name}.aside")
    path.rename(aside)
    os.mkfifo(path)
    try:
        yield
    finally:
        aside.replace(path)
