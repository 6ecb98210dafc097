"""Starts a run, or resumes one that was stopped, and takes it to its bundle."""

from __future__ import annotations

from collections.abc import Callable

import torch

from training.epoch.epoch_table import table_header
from training.errors import CheckpointError, TrainingError
from training.hardware.device import device_require
from training.hardware.numerics import Numerics
from training.options.training_options import TrainingOptions
from training.run.bundle_writer import attention_write, bundle_version, bundle_write
from training.run.early_stopping import StopRequest
from training.run.epoch_loop import EpochLoop
from training.run.prepared_run import PreparedRun
from training.run_folder.data_sources import DataSources
from training.run_folder.folder import RunFolder
from training.run_folder.run_settings import RunSettings


def captioner_train(
    folder: RunFolder,
    *,
    options: TrainingOptions,
    sources: DataSources,
    device: str | None = None,
    threads: int | None = None,
    minutes: float | None = None,
    report: Callable[[str], None],
    verbose: bool = False,
) -> str:
    """A new run in `folder`, which must not hold one. Returns the bundle's version.

    `device`, `threads`: None takes what the machine has. `verbose`: report each photo and caption that is left out.
    Raises TrainingError or CaptionerError: RunFailed if the bundle is no good. Raises RunStopped if it was asked to
    stop; captioner_resume goes on then.
    """
    _new_require(folder)
    with StopRequest(minutes=minutes) as stop:
        _threads_use(threads)
        run = PreparedRun(
            folder,
            options=options,
            sources=sources,
            device=device or "auto",
            stop=stop,
            report=report,
            verbose=verbose,
        )
        with folder.held():  # only now: a run that is refused leaves no folder
            _new_require(folder)  # another process may have begun one meanwhile
            _settings(run).write(folder)
            return _run_finish(run, EpochLoop(run))


def captioner_resume(
    folder: RunFolder,
    *,
    device: str | None = None,
    threads: int | None = None,
    minutes: float | None = None,
    report: Callable[[str], None],
    verbose: bool = False,
) -> str:
    """Resumes a run that was stopped or broke off. Raises as captioner_train, and CheckpointError.

    `device`, `threads`: None takes the run's own. Others may give other losses, which is reported.
    """
    if folder.bundle.exists() and folder.attention.exists():
        bundle_version(folder)
        raise TrainingError(f"The run in {folder.path} is finished: its bundle is {folder.bundle}.")
    kept = RunSettings.read(folder)
    former = kept.numerics
    with folder.held(), StopRequest(minutes=minutes) as stop:
        _threads_use(threads or (former.threads if former else None))
        place = device_require(device or (former.device if former else "auto"))
        run = PreparedRun(
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
        if changes := run.fingerprint.changes(kept.data, options=kept.options, sources=kept.sources):
            raise CheckpointError(
                f"The run in {folder.path} began with something else. This has changed: {'; '.join(changes)}. Put back "
                "what was there, or start a new run."
            )
        if former and (change := Numerics.of(run.arithmetic).change(former)):
            report(change)
        _settings(run).write(folder)  # the next one goes on as this one does
        loop = EpochLoop(run)
        if folder.checkpoint.exists():
            loop.resume()
            folder.records_write(loop.records)
        return _run_finish(run, loop)


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


def _settings(run: PreparedRun) -> RunSettings:
    return RunSettings(run.options, run.sources, run.fingerprint, Numerics.of(run.arithmetic))


def _run_finish(run: PreparedRun, loop: EpochLoop) -> str:
    bundle = run.folder.bundle
    if not bundle.exists():  # else the run broke off after it
        run.report(table_header())
        loop.run()
        best = loop.best_record()
        run.report(f"Epoch {best.epoch} of stage {best.stage} was the best; writing {bundle}.")
        bundle_write(loop)
    attention_write(run)
    return bundle_version(run.folder)
