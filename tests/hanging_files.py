"""Files that hang the process that opens them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def pipe_replaced(path: Path) -> Iterator[None]:
    """A pipe in the place of a file: a process that opens it waits for ever. At the end the file is there again."""
    aside = path.with_name(f"{path.name}.aside")
    path.rename(aside)
    os.mkfifo(path)
    try:
        yield
    finally:
        aside.replace(path)
