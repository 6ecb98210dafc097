"""A run from its start, or from where it was stopped, to its bundle."""

from __future__ import annotations

from collections.abc import Callable

import torch

from captioner.bundle import bundle_describe
from training.errors import CheckpointError, RunFailed, TrainingError
from training.hardware.numerics import Numerics, device_require
from training.options.training_options import TrainingOptions
from training.run.early_stopping import StopRequest
from training.run.epoch_loop import Loop
from training.run.prepared_run import Session
from training.run_folder.data_sources import Sources
from training.run_folder.folder import RunFolder, table_header
from training.run_folder.run_settings import RunSettings


def captioner_train(
    folder: RunFolder,
    *,
    options: TrainingOptions,
    sources: Sources,
    device: str | None = None,
    threads: int | None = None,
    minutes: float | None = None,
    report: Callable[[str], None],
    verbose: bool = False,
) -> str:
    """A new run in `folder`, which must not hold one. Returns the bundle's version.

    `device`, `threads`: those that there are where None. `verbose`: report each photo and caption that is left out.
    Raises TrainingError or CaptionerError: RunFailed where it made a bundle that is no good; RunStopped when it was
    asked to stop, and captioner_resume goes on then.
    """
    _new_require(folder)
    with StopRequest(minutes=minutes) as stop:
        _threads_use(threads)
        session = Session(
            folder,
            options=options,
            sources=sources,
            device=device or "auto",
            stop=stop,
            report=report,
            verbose=verbose,
        )
        with folder.held():  # only now: what refuses to begin leaves no folder
            _new_require(folder)  # another process may have begun meanwhile
            _settings(session).write(folder)
            return _session_run(session, session.loop())


def captioner_resume(
    folder: RunFolder,
    *,
    device: str | None = None,
    threads: int | None = None,
    minutes: float | None = None,
    report: Callable[[str], None],
    verbose: bool = False,
) -> str:
    """Goes on with a run that was stopped or broke off. Raises as captioner_train, and CheckpointError.

    `device`, `threads`: the run's own where None. Others may give other losses, which is reported.
    """
    if folder.bundle.exists() and folder.attention.exists():
        _bundle_version(folder)
        raise TrainingError(f"The run in {folder.path} is finished: its bundle is {folder.bundle}.")
    kept = RunSettings.read(folder)
    former = kept.numerics
    with folder.held(), StopRequest(minutes=minutes) as stop:
        _threads_use(threads or (former.threads if former else None))
        place = device_require(device or (former.device if former else "auto"))
        session = Session(
            folder,
            options=kept.options,
            sources=kept.sources,
            device=str(place),
            precision=former.precision_on(place) if former else None,
            stop=stop,
            report=report,
            begun=True,
            verbose=verbose,
        )
        if changes := session.fingerprint.changes(kept.data, options=kept.options, sources=kept.sources):
            raise CheckpointError(
                f"The run in {folder.path} began with something else. This has changed: {'; '.join(changes)}. Put back "
                "what was there, or start a new run."
            )
        if former and (change := Numerics.of(session.arithmetic).change(former)):
            report(change)
        _settings(session).write(folder)  # the next one goes on as this one does
        loop = session.loop()
        if folder.checkpoint.exists():
            loop.resume()
            folder.records_write(loop.records)
        return _session_run(session, loop)


def _new_require(folder: RunFolder) -> None:
    if folder.settings.exists():
        raise TrainingError(
            f"{folder.path} holds a run already. Go on with it by --resume {folder.path}, or choose another --output."
        )
    if folder.begun():
        raise TrainingError(
            f"{folder.path} holds what is left of a run, but not its {folder.settings.name}. Put that back and go on "
            f"by --resume {folder.path}, clear the folder, or choose another --output."
        )


def _threads_use(threads: int | None) -> None:
    if threads is not None:
        torch.set_num_threads(threads)


def _settings(session: Session) -> RunSettings:
    return RunSettings(session.options, session.sources, session.fingerprint, Numerics.of(session.arithmetic))


def _session_run(session: Session, loop: Loop) -> str:
    bundle = session.folder.bundle
    if not bundle.exists():  # else the run broke off after it
        session.report(table_header())
        loop.run()
        best = loop.best_record()
        session.report(f"Epoch {best.epoch} of stage {best.stage} was the best; writing {bundle}.")
        session.bundle_write(loop)
    session.attention_write()
    return _bundle_version(session.folder)


def _bundle_version(folder: RunFolder) -> str:
    """Of the run's bundle. Raises RunFailed where that says of itself that it is no good."""
    described = bundle_describe(folder.bundle)
    if failure := described["metrics"].get("failed"):
        raise RunFailed(
            f"The run in {folder.path} failed. {failure} {folder.bundle} is for looking at alone: register_model "
            "refuses it."
        )
    version: str = described["version"]
    return version
