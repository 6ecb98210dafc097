"""Lines for the person at the terminal."""

from contextlib import suppress
from pathlib import Path


def say(line: str) -> None:
    """Print a line. A closed terminal or a full disk is no error; the unwritten text comes with the next line."""
    with suppress(OSError):
        print(line, flush=True)


def path_shown(path: Path) -> str:
    """The path as a person in this folder would type it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
