"""What a file can do to the process that opens it. Imports nothing: a child process starts with it."""

import os
import time
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
