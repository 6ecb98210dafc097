"""A run from its start, or from where it was stopped, to its bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from captioner.bundle import bundle_validate
from training.errors import CheckpointError, TrainingError
from training.learning.loop import Loop
from training.learning.options import TrainingOptions
from training.learning.run_folder import RunFolder, table_header
from training.learning.session import Session
from training.learning.sources import Sources
from training.learning.stopping import StopRequest


def captioner_train(
    folder: RunFolder,
    *,
    options: TrainingOptions,
    sources: Sources,
    device: str = "cpu",
    minutes: float | None = None,
    report: Callable[[str], None],
) -> str:
    """A new run in `folder`, which must not hold one. Returns the bundle's version.

    Raises TrainingError or CaptionerError; RunStopped when it was asked to stop, and captioner_resume goes on then.
    """
    if folder.begun():
        raise TrainingError(
            f"{folder.path} holds a run already. Go on with it by --resume {folder.path}, or choose another --output."
        )
    with StopRequest(minutes=minutes) as stop:
        session = Session(folder, options=options, sources=sources, device=device, stop=stop, report=report)
        folder.settings_write(
            {
                "options": _options_kept(session.options),
                "sources": sources.to_dict(),
                "data": session.fingerprint(),
            }
        )
        return _session_run(session, session.loop())


def captioner_resume(
    folder: RunFolder, *, device: str = "cpu", minutes: float | None = None, report: Callable[[str], None]
) -> str:
    """Goes on with a run that was stopped or broke off. Raises as captioner_train, and CheckpointError."""
    if folder.bundle.exists() and folder.attention.exists():
        raise TrainingError(f"The run in {folder.path} is finished: its bundle is {folder.bundle}.")
    options, sources, data = _settings(folder)
    with StopRequest(minutes=minutes) as stop:
        session = Session(folder, options=options, sources=sources, device=device, stop=stop, report=report)
        if session.fingerprint() != data:
            raise CheckpointError(
                f"The captions or photos of the run in {folder.path} have changed since it began. Put back what was "
                "there, or start a new run."
            )
        loop = session.loop()
        if folder.checkpoint.exists():
            loop.resume()
            folder.records_write(loop.records)
        return _session_run(session, loop)


def _options_kept(options: TrainingOptions) -> dict[str, Any]:
    """With an absolute path, so that the run can go on from another folder."""
    weights = options.encoder_weights
    return options.to_dict() | {"encoder_weights": str(Path(weights).resolve()) if weights else ""}


def _settings(folder: RunFolder) -> tuple[TrainingOptions, Sources, str]:
    """What the run was started with: its options, its sources, and the fingerprint of its data."""
    settings = folder.settings_read()
    try:
        options, sources = TrainingOptions.from_dict(settings["options"]), Sources.from_dict(settings["sources"])
        return options, sources, settings["data"]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{folder.settings} is not what this version of Fovea writes ({error!r}). Put it back, or start again."
        ) from error


def _session_run(session: Session, loop: Loop) -> str:
    bundle = session.folder.bundle
    if bundle.exists():  # the run broke off after its bundle
        version = bundle_validate(bundle)
    else:
        session.report(table_header())
        loop.run()
        best = loop.best_record()
        session.report(f"Epoch {best.epoch} of stage {best.stage} was the best; writing {bundle}.")
        version = session.bundle_write(loop)
    session.attention_write()
    return version
