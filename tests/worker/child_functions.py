"""Functions that tests run in child processes. Imports nothing heavy, so the children start fast."""

import os
from pathlib import Path


def validated(directory: Path) -> None:
    """The checks of a bundle that need no torch."""
    from captioner.bundle import bundle_validate

    bundle_validate(directory)


def crashed(directory: Path) -> None:
    os.abort()


def raised(error: Exception) -> None:
    raise error


def torch_lacking(directory: Path) -> None:
    raise ModuleNotFoundError("No module named 'torch'")
