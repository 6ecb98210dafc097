"""Epochs, stage after stage: train, validate, keep the best, save; stop when asked and go on from there."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from training.epoch.training_steps import StageTrainer
from training.epoch.validation import Validated, Validation
from training.errors import CheckpointError, TrainingDiverged
from training.hardware.out_of_memory import memory_required
from training.options.stage_plan import Stage
from training.run.early_stopping import RunStopped, StopRequest
from training.run_folder.checkpoint import checkpoint_foreign, checkpoint_load, checkpoint_save
from training.run_folder.folder import EpochRecord, RunFolder
from training.scoring.coco_scorer import Scorer

CHECKPOINT_SECONDS = 600.0
SMALLER = "Start again with a smaller --batch-photos, --batch-captions, --beam or --hidden."


class Workshop(Protocol):
    """What the loop needs of a session, stage by stage."""

    scorer: Scorer

    def trainer(self, stage: Stage) -> StageTrainer: ...

    def validation(self, stage: Stage) -> Validation: ...

    def shown(self, record: EpochRecord, validated: Validated) -> None: ...


class Loop:
    """Runs the stages. Its state is whole between any two steps; the checkpoint is written after each epoch, every ten
    minutes and when the run is asked to stop.

    best: state_dict of the best averaged model so far, over all stages; a stage begins with the best before it.
    best_at: the place of its epoch in `records`.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        *,
        workshop: Workshop,
        folder: RunFolder,
        patience: int,
        stop: StopRequest,
        device: torch.device,
    ) -> None:
        self.stages, self.workshop, self.folder = stages, workshop, folder
        self.patience, self.stop, self.device = patience, stop, device
        self.records: list[EpochRecord] = []
        self.best: dict[str, Tensor] = {}
        self.best_at = 0
        self._stage = 0  # the stage that is trained, and where it stood when it was saved
        self._restored: dict[str, Any] | None = None
        self._saved = time.monotonic()

    def resume(self) -> None:
        """Goes on from the folder's checkpoint. Raises CheckpointError."""
        state = checkpoint_load(self.folder.checkpoint, device=self.device)
        try:
            self.records = [EpochRecord.from_dict(record) for record in json.loads(state["records"])]
            self.best, self._stage, self._restored = state["best"], state["stage"], state["trainer"]
            self.best_at = state["best_at"] if "best_at" in state else _best_formerly(self.records)
        except (KeyError, TypeError, ValueError) as error:
            raise checkpoint_foreign(self.folder.checkpoint, error) from error
        if any(record.comparable != self.workshop.scorer.comparable for record in self.records):
            raise CheckpointError(
                f"Epochs of {self.folder.path} were scored by another scorer than this machine has "
                f"({self.workshop.scorer.name}): the best of them could not be told. Go on where Java is as it was "
                "(`java -version`), or start again."
            )

    def run(self) -> None:
        """Trains what is left to train. Raises RunStopped when asked to stop, once the checkpoint is written."""
        for index in range(self._stage, len(self.stages)):
            self._stage = index
            with memory_required(self.device, what=f"stage {self.stages[index].name}", remedy=SMALLER):
                self._stage_run(self.stages[index])
            self._restored = None

    def best_record(self) -> EpochRecord:
        return self.records[self.best_at]

    def _stage_run(self, stage: Stage) -> None:
        trainer = self.workshop.trainer(stage)
        if self._restored is not None:
            try:
                trainer.restore(self._restored)
            except (KeyError, RuntimeError, TypeError, ValueError) as error:  # other names, shapes or groups
                raise checkpoint_foreign(self.folder.checkpoint, error) from error
        elif self.best:
            trainer.model.load_state_dict(self.best)
            trainer.average.load_state_dict(self.best)
        validation = self.workshop.validation(stage)
        while trainer.epoch <= stage.epochs and not self._overtrained(stage):
            try:
                trainer.epoch_run(between=lambda: self._between(trainer))
            except RunStopped:
                self._save(trainer)
                raise
            try:
                validated = validation.judge(trainer.average)
            except TrainingDiverged:  # a state that is worth nothing
                raise
            except Exception:  # the steps of this epoch are done, whatever ails its validation
                self._save(trainer)
                raise
            self._epoch_end(stage, trainer, validated)

    def _epoch_end(self, stage: Stage, trainer: StageTrainer, validated: Validated) -> None:
        record = record_of(stage, trainer, validated)
        if not self.records or record.quality > self.best_record().quality:
            self.best_at = len(self.records)
            self.best = {key: value.detach().clone() for key, value in trainer.average.state_dict().items()}
        self.records.append(record)
        try:  # before it counts as done: an epoch that is validated again is shown once more, and no more than once
            self.workshop.shown(record, validated)
        finally:
            trainer.epoch_next()
            self._save(trainer)

    def _between(self, trainer: StageTrainer) -> None:
        if time.monotonic() - self._saved > CHECKPOINT_SECONDS:
            self._save(trainer)
        self.stop.check()

    def _overtrained(self, stage: Stage) -> bool:
        qualities = [record.quality for record in self.records if record.stage == stage.name]
        return (
            bool(self.patience)
            and len(qualities) > self.patience
            and (max(qualities[-self.patience :]) <= max(qualities[: -self.patience]))
        )

    def _save(self, trainer: StageTrainer) -> None:
        checkpoint_save(
            self.folder.checkpoint,
            {
                "records": json.dumps([record.to_dict() for record in self.records]),
                "best": self.best,
                "best_at": self.best_at,
                "stage": self._stage,
                "trainer": trainer.state(),
            },
        )
        self._saved = time.monotonic()


def record_of(stage: Stage, trainer: StageTrainer, validated: Validated) -> EpochRecord:
    rate, encoder_rate = trainer.rates()
    scores, focus = validated.scores, validated.focus
    return EpochRecord(
        stage=stage.name,
        epoch=trainer.epoch,
        epochs=stage.epochs,
        seconds=trainer.seconds,
        train_loss=trainer.nats / trainer.tokens,
        validation_loss=validated.loss,
        bleu_4=scores.bleu_4,
        cider=scores.cider,
        comparable=validated.comparable,
        distinct=validated.distinct,
        peak=focus.peak if focus else None,
        distance=focus.distance if focus else None,
        captions_per_second=trainer.captions / trainer.seconds,
        data_share=trainer.waited / trainer.seconds,
        rate=rate,
        encoder_rate=encoder_rate,
    )


def _best_formerly(records: Sequence[EpochRecord]) -> int:
    """Where the weights came from that a checkpoint holds which does not tell: the first of equals was kept then."""
    ciders = [-record.validation_loss if record.cider is None else record.cider for record in records]
    return ciders.index(max(ciders)) if ciders else 0
