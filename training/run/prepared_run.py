"""A run in memory, ready for its first step: photos, model, and what each stage needs of them."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch

from captioner.bundle import bundle_describe
from training.batches.feature_cache import features_cached
from training.batches.training_set import TrainingSet
from training.data.caption_checks import Concern, training_concerns
from training.data.dataset import CaptionedPhoto
from training.data.vocabulary_builder import vocabulary_coverage
from training.epoch.epoch_record import EpochRecord
from training.epoch.epoch_table import table_line
from training.epoch.training_steps import StageTrainer
from training.epoch.validation import Validated, Validation
from training.errors import DatasetError, OptionError
from training.hardware.device import device_require
from training.hardware.mixed_precision import arithmetic_choose
from training.model.initial_model import model_continue, model_create
from training.model.trained_model import TrainedModel
from training.objectives.distillation import Teachers, teachers_load
from training.objectives.objective import objective_of
from training.options.stage_plan import Stage, stages_planned
from training.options.training_options import TrainingOptions
from training.pages.samples_page import (
    EpochSamples,
    PhotoSample,
    ShownPhoto,
    photos_shown,
    samples_append,
    samples_write,
)
from training.run.early_stopping import StopRequest
from training.run_folder.data_sources import DataSources
from training.run_folder.fingerprint import Fingerprint
from training.run_folder.folder import RunFolder
from training.scoring.coco_scorer import scorer_choose


class PreparedRun:
    """Everything that a run needs. Wrong photos, captions and options are found when it is made.

    `precision`: what auto was found to be where the run began. `begun`: the run goes on, so that captions which no run
    would begin with are only warned of. `verbose`: report each photo and caption that is left out.
    """

    def __init__(
        self,
        folder: RunFolder,
        *,
        options: TrainingOptions,
        sources: DataSources,
        device: str,
        precision: str | None = None,
        stop: StopRequest,
        report: Callable[[str], None],
        begun: bool = False,
        verbose: bool = False,
    ) -> None:
        self.folder, self.sources, self.stop, self.report = folder, sources, stop, report
        self.device = device_require(device)
        self.arithmetic = arithmetic_choose(precision or options.precision, self.device)
        self.notes = sources.notes()
        self.scorer = scorer_choose()
        self.train, self.validation_photos = sources.photos(report=report, verbose=verbose)
        self.texts = [text for photo in self.train for text in photo.captions]
        self.initial = (
            model_create(options, self.texts)
            if sources.start_from is None
            else model_continue(options, self.texts, bundle=sources.start_from)
        )
        self.options, self.vocabulary = self.initial.options, self.initial.vocabulary
        self.encoder, self.decoder = self.initial.encoder.to(self.device), self.initial.decoder.to(self.device)
        self.concerns = self._concerns(begun=begun)
        self.stages = stages_planned(self.options, self.encoder, learnt=sources.start_from is not None)
        self._teachers = {stage.name: self._teachers_load(stage) for stage in self.stages}
        self.fingerprint = Fingerprint.of(
            self.train,
            self.validation_photos,
            sources=sources,
            vocabulary=self.vocabulary,
            encoder=self.initial.encoder_config,
        )
        self._report_data()

    def model(self, stage: Stage) -> TrainedModel:
        return TrainedModel(self.encoder, self.decoder, trained=stage.trained)

    def trainer(self, stage: Stage) -> StageTrainer:
        torch.manual_seed(self.options.seed)
        model = self.model(stage)
        return StageTrainer(
            stage,
            model,
            data=self._set(self.train, model, views=stage.views),
            objective=objective_of(
                stage,
                options=self.options,
                photos=self.train,
                vocabulary=self.vocabulary,
                teachers=self._teachers[stage.name],
            ),
            options=self.options,
            arithmetic=self.arithmetic,
            device=self.device,
        )

    def validation(self, stage: Stage) -> Validation:
        return Validation(
            self._set(self.validation_photos, self.model(stage), views=1),
            vocabulary=self.vocabulary,
            decoding=self.options.decoding(),
            scorer=self.scorer,
            arithmetic=self.arithmetic,
            device=self.device,
            check=self.stop.check,
        )

    def epoch_show(self, record: EpochRecord, validated: Validated) -> None:
        """Puts an epoch where people look: the table, the curves, the samples."""
        self.folder.record_append(record)
        self.folder.curves_draw()
        said = {one.photo: one for one in validated.spoken}
        samples = [
            PhotoSample.of(photo.id, said[photo.id].words, said[photo.id].probabilities, said[photo.id].attention)
            for photo in self.photos_shown
        ]
        note = f"CIDEr {record.cider:.1f}" if record.cider is not None else ""
        samples_append(self.folder.path, EpochSamples(record.stage, record.epoch, tuple(samples), note))
        samples_write(self.folder.path, self.photos_shown)
        self.report(table_line(record))

    @functools.cached_property
    def photos_shown(self) -> list[ShownPhoto]:
        return photos_shown(self.validation_photos, preprocessing=self.initial.preprocessing)

    def _teachers_load(self, stage: Stage) -> Teachers | None:
        """The teachers of a stage. They load first: one that does not fit is told before anything is computed."""
        if not self.sources.teachers:
            return None
        if self.options.decoder == "tutorial":
            raise OptionError(
                "--teacher does not work with --decoder tutorial, which also learns to say <start>: no teacher does. "
                "Leave --teacher out, or choose another --decoder."
            )
        return teachers_load(
            self.sources.teachers,
            vocabulary=self.vocabulary,
            encoder=self.encoder,
            preprocessing=self.initial.preprocessing,
            trained=stage.trained,
            device=self.device,
        )

    def _set(self, photos: list[CaptionedPhoto], model: TrainedModel, *, views: int) -> TrainingSet:
        arrays = features_cached(
            [photo.path for photo in photos],
            trunk=model.trunk,
            preprocessing=self.initial.preprocessing,
            directory=self.sources.features or self.folder.features,
            views=views,
            device=self.device,
            check=self.stop.check,
        )
        return TrainingSet(photos, arrays, self.vocabulary, self.options)

    def _concerns(self, *, begun: bool) -> list[Concern]:
        """Warns of them. Raises DatasetError for those that no run begins with."""
        named = [("--start-from", self.sources.start_from)] if self.sources.start_from else []
        named += [("--teacher", path) for path in self.sources.teachers]
        concerns = training_concerns(
            self.train,
            self.validation_photos,
            vocabulary=self.vocabulary,
            threshold=self.options.threshold,
            bundles={f"{flag} {path}": bundle_describe(path)["vocabulary"] for flag, path in named},
        )
        if refused := [] if begun else [concern.message for concern in concerns if concern.refused]:
            raise DatasetError(" ".join(refused))
        for concern in concerns:
            self.report(f"Warning: {concern.message}")
        return concerns

    def _report_data(self) -> None:
        coverage = vocabulary_coverage(self.texts, self.vocabulary)
        self.report(
            f"{len(self.train):,} photos to train on with {len(self.texts):,} captions, "
            f"{len(self.validation_photos):,} photos to validate on; {len(self.vocabulary):,} words, "
            f"{coverage.unknown_rate:.1%} of what is said unknown. "
            f"Device {self.device}, {str(self.arithmetic.dtype).removeprefix('torch.')}."
        )
