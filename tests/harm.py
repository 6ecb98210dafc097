"""What a file can do to the process that opens it. Imports nothing: a child process starts with it."""

import os
import time
from contextlib import suppress
from pathlib import Path


def hang(*_: object) -> None:
    time.sleep(3600)


def crash(*_: object) -> None:
    os.abort()


def crash_once(marker: Path, *_: object) -> str:
    if marker.exists():
        return "whole"
    marker.touch()
    os.abort()


def bloat(*_: object) -> bytes:
    return bytes(2**40)


def bloat_wholly(*_: object) -> None:
    """Until not even a few bytes are left, all of them held by the error's frames."""
    held: list[object] = []
    for size in (2**20, 2**16, 2**12, 2**9, 2**8, 2**7, 2**6, 1):
        with suppress(MemoryError):
            while True:
                held = [held, bytes(size)]
    raise MemoryError
