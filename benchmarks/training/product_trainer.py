"""The product's own trainer, run for a number of steps."""

from __future__ import annotations

import contextlib
import time
from typing import NamedTuple

from benchmarks.measuring.command_line import Setting
from training.batches.feature_cache import features_cached
from training.batches.training_set import TrainingSet
from training.epoch.training_steps import StageTrainer
from training.hardware.mixed_precision import arithmetic_choose
from training.model.initial_model import model_create
from training.model.trained_model import TrainedModel
from training.objectives.objective import objective_of
from training.options.stage_plan import stages_planned
from training.options.training_options import TrainingOptions


class Done(NamedTuple):
    captions: int
    seconds: float


class _EnoughSteps(Exception):
    pass


def trainer_create(setting: Setting, options: TrainingOptions) -> StageTrainer:
    """The trainer of the first stage that `options` have epochs for. Caches the features first."""
    initial = model_create(options, [text for photo in setting.photos for text in photo.captions])
    device = setting.device
    encoder, decoder = initial.encoder.to(device), initial.decoder.to(device)
    stage = stages_planned(options, encoder)[0]
    model = TrainedModel(encoder, decoder, trained=stage.trained)
    features = features_cached(
        [photo.path for photo in setting.photos],
        trunk=model.trunk,
        preprocessing=initial.preprocessing,
        directory=setting.scratch / "features",
        device=device,
    )
    return StageTrainer(
        stage,
        model,
        data=TrainingSet(setting.photos, features, initial.vocabulary, options),
        objective=objective_of(stage, options=options, photos=setting.photos, vocabulary=initial.vocabulary),
        options=options,
        arithmetic=arithmetic_choose(options.precision, device),
        device=device,
    )


def trainer_steps(trainer: StageTrainer, *, steps: int) -> Done:
    """Runs that many steps, from epoch to epoch. The time includes drawing the batches."""
    captions, begun = 0, time.perf_counter()
    while steps > 0:
        if trainer.step == trainer.steps:
            trainer.epoch_next()
        first, last, known = trainer.step, trainer.step + steps, trainer.captions

        def between(last: int = last) -> None:
            if trainer.step == last:
                raise _EnoughSteps

        with contextlib.suppress(_EnoughSteps):
            trainer.epoch_run(between=between)
        steps -= trainer.step - first
        captions += trainer.captions - known
    return Done(captions, time.perf_counter() - begun)
