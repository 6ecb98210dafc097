"""Writes and reads the checkpoint, the whole state of a run. On disk is the former or the new one, never a part."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import torch

from training.errors import CheckpointError


def checkpoint_save(path: Path, state: dict[str, Any]) -> None:
    """Writes beside `path`, flushes and renames, so a kill leaves a checkpoint that loads.

    `state` holds tensors, numbers, strings, lists and dicts of them. Raises CheckpointError, for a full disk for
    example. The former checkpoint stays then.
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
        with contextlib.suppress(OSError):  # the first error tells why
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
    except Exception as error:  # torch raises many kinds for a file that is not its own
        raise CheckpointError(
            f"The checkpoint {path} cannot be read ({_reason(error)}). Delete its folder and start the run again."
        ) from error
    return state


def checkpoint_foreign(path: Path, error: BaseException) -> CheckpointError:
    """The error for a checkpoint that was read but is not of this run."""
    return CheckpointError(
        f"The checkpoint {path} is not one of this version of Fovea with the options of this run "
        f"({type(error).__name__}: {_reason(error)}). Go on with the version and the options.json that began the run, "
        "or start again."
    )


def _reason(error: BaseException) -> str:
    cause = error.__context__ if isinstance(error, RuntimeError) and isinstance(error.__context__, OSError) else error
    # After "load failed" torch tells how to load a file unsafely.
    return "".join(" ".join(str(cause).split()).partition("load failed")[:2])[:300]
