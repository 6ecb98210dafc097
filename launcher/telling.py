"""What a person at the terminal is told."""

from contextlib import suppress


def say(line: str) -> None:
    """A terminal that is gone, or a log on a full disk, ends nothing: what could not be written comes with the next."""
    with suppress(OSError):
        print(line, flush=True)
