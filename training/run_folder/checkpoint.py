"""A run's whole state on disk: the former checkpoint or the new one, never a part of one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import torch

from training.errors import CheckpointError


def checkpoint_save(path: Path, state: dict[str, Any]) -> None:
    """Writes beside `path`, flushes and renames, so that whatever kills us leaves a checkpoint that loads.

    `state` holds tensors, numbers, strings, lists and dicts of them. Raises CheckpointError, say for a full disk:
    the former checkpoint then stays as it was.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except (OSError, RuntimeError) as error:  # torch's own writer turns a full disk into a RuntimeError
        with contextlib.suppress(OSError):  # a folder that is none, say: the first error tells why
            partial.unlink(missing_ok=True)
        raise CheckpointError(
            f"The checkpoint {path} could not be written ({_reason(error)}). Make room on that disk, then go on with "
            f"--resume {path.parent}: the checkpoint before this one is whole."
        ) from error


def checkpoint_load(path: Path, *, device: torch.device | str = "cpu") -> dict[str, Any]:
    """What was saved, with tensors on `device`. Executes nothing that the file holds. Raises CheckpointError."""
    if not path.is_file():
        raise CheckpointError(
            f"There is no checkpoint {path} to go on from: the run ended before its first one. Start it again."
        )
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # whatever torch meets in a file that is none of its own
        raise CheckpointError(
            f"The checkpoint {path} cannot be read ({_reason(error)}). Delete its folder and start the run again."
        ) from error
    return state


def checkpoint_foreign(path: Path, error: BaseException) -> CheckpointError:
    """For one that was read, and holds something else than this run's state."""
    return CheckpointError(
        f"The checkpoint {path} is not one of this version of Fovea with the options of this run "
        f"({type(error).__name__}: {_reason(error)}). Go on with the version and the options.json that began the run, "
        "or start again."
    )


def _reason(error: BaseException) -> str:
    cause = error.__context__ if isinstance(error, RuntimeError) and isinstance(error.__context__, OSError) else error
    # After "load failed" torch tells how to load a file unsafely.
    return "".join(" ".join(str(cause).split()).partition("load failed")[:2])[:300]
