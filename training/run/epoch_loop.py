"""The loop of a run: stage after stage, epoch after epoch. It trains, validates, keeps the best, and saves.

A training step itself is in training.epoch.training_steps.
"""

from __future__ import annotations

import json
import time
from typing import Any

from training.epoch.best_epoch import BestEpoch, best_index_formerly
from training.epoch.epoch_record import EpochRecord
from training.epoch.training_steps import StageTrainer
from training.epoch.validation import Validated
from training.errors import CheckpointError, TrainingDiverged
from training.hardware.out_of_memory import memory_required
from training.options.stage_plan import Stage
from training.run.early_stopping import RunStopped, patience_exhausted
from training.run.prepared_run import PreparedRun
from training.run_folder.checkpoint import checkpoint_foreign, checkpoint_load, checkpoint_save

CHECKPOINT_SECONDS = 600.0
SMALLER = "Start again with a smaller --batch-photos, --batch-captions, --beam or --hidden."


class EpochLoop:
    """Runs the stages of `prepared`.

    Its state is whole between any two steps. The checkpoint is written after each epoch, every ten minutes, and when
    the run is asked to stop.
    """

    def __init__(self, prepared: PreparedRun) -> None:
        self.prepared, self.folder = prepared, prepared.folder
        self.records: list[EpochRecord] = []
        self.best = BestEpoch()
        self._stage = 0  # the stage that is trained, and where it stood when it was saved
        self._restored: dict[str, Any] | None = None
        self._saved = time.monotonic()

    def resume(self) -> None:
        """Goes on from the folder's checkpoint. Raises CheckpointError."""
        state = checkpoint_load(self.folder.checkpoint, device=self.prepared.device)
        try:
            self.records = [EpochRecord.from_dict(record) for record in json.loads(state["records"])]
            index = state["best_at"] if "best_at" in state else best_index_formerly(self.records)
            self.best = BestEpoch(state["best"], index)
            self._stage, self._restored = state["stage"], state["trainer"]
        except (KeyError, TypeError, ValueError) as error:
            raise checkpoint_foreign(self.folder.checkpoint, error) from error
        scorer = self.prepared.scorer
        if any(record.comparable != scorer.comparable for record in self.records):
            raise CheckpointError(
                f"Epochs of {self.folder.path} were scored by another scorer than this machine has ({scorer.name}): "
                "the scores do not compare. Go on where Java is as it was (`java -version`), or start again."
            )

    def run(self) -> None:
        """Trains what is left to train. Raises RunStopped when asked to stop, once the checkpoint is written."""
        stages = self.prepared.stages
        for index in range(self._stage, len(stages)):
            self._stage = index
            with memory_required(self.prepared.device, what=f"stage {stages[index].name}", remedy=SMALLER):
                self._stage_run(stages[index])
            self._restored = None

    def best_record(self) -> EpochRecord:
        return self.records[self.best.index]

    def _stage_run(self, stage: Stage) -> None:
        trainer = self.prepared.trainer(stage)
        if self._restored is not None:
            try:
                trainer.restore(self._restored)
            except (KeyError, RuntimeError, TypeError, ValueError) as error:  # other names, shapes or groups
                raise checkpoint_foreign(self.folder.checkpoint, error) from error
        elif self.best.weights:
            trainer.model.load_state_dict(self.best.weights)
            trainer.average.load_state_dict(self.best.weights)
        validation = self.prepared.validation(stage)
        while trainer.epoch <= stage.epochs and not self._out_of_patience(stage):
            try:
                trainer.epoch_run(between=lambda: self._between_steps(trainer))
            except RunStopped:
                self._save(trainer)
                raise
            try:
                validated = validation.judge(trainer.average)
            except TrainingDiverged:  # a state that is worth nothing
                raise
            except Exception:  # the steps of this epoch are done, even if its validation failed
                self._save(trainer)
                raise
            self._epoch_end(stage, trainer, validated)

    def _epoch_end(self, stage: Stage, trainer: StageTrainer, validated: Validated) -> None:
        record = record_of(stage, trainer, validated)
        self.best.offer(record, trainer.average, former=self.records)
        self.records.append(record)
        try:  # before it counts as done: an epoch that is validated again is shown once more, and no more than once
            self.prepared.epoch_show(record, validated)
        finally:
            trainer.epoch_next()
            self._save(trainer)

    def _between_steps(self, trainer: StageTrainer) -> None:
        if time.monotonic() - self._saved > CHECKPOINT_SECONDS:
            self._save(trainer)
        self.prepared.stop.check()

    def _out_of_patience(self, stage: Stage) -> bool:
        records = [record for record in self.records if record.stage == stage.name]
        return patience_exhausted(records, patience=self.prepared.options.patience)

    def _save(self, trainer: StageTrainer) -> None:
        checkpoint_save(
            self.folder.checkpoint,
            {
                "records": json.dumps([record.to_dict() for record in self.records]),
                "best": self.best.weights,
                "best_at": self.best.index,
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
