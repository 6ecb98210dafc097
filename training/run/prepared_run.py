"""A run in memory: its photos, its model, and what each stage needs of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import torch

from captioner.bundle import bundle_describe, bundle_save, weights_round
from captioner.config import BundleConfig
from captioner.inference import Captioner
from training.atomic_files import file_write
from training.batches.feature_cache import features_cached
from training.batches.training_set import TrainingSet
from training.data.caption_checks import Concern, training_concerns
from training.data.dataset import CaptionedPhoto
from training.data.vocabulary_builder import vocabulary_coverage
from training.epoch.training_steps import StageTrainer
from training.epoch.validation import Validated, Validation
from training.errors import DatasetError, FileError, OptionError
from training.hardware.mixed_precision import arithmetic_choose
from training.hardware.numerics import device_require
from training.model.initial_model import parts_continue, parts_create
from training.model.trained_model import TrainedModel
from training.objectives.distillation import Teachers, teachers_load
from training.objectives.objective import objective_of
from training.options.stage_plan import Stage, stages_planned
from training.options.training_options import TrainingOptions
from training.pages.attention_page import PHOTOS, attention_page
from training.pages.samples_page import (
    EpochSamples,
    PhotoSample,
    ShownPhoto,
    photos_shown,
    samples_append,
    samples_write,
)
from training.run.early_stopping import StopRequest
from training.run.epoch_loop import Loop
from training.run.model_card import card_text, validation_metrics
from training.run.run_failure import run_failure
from training.run_folder.data_sources import Sources
from training.run_folder.fingerprint import Fingerprint
from training.run_folder.folder import EpochRecord, RunFolder, table_line
from training.scoring.blind_captions import blind_score
from training.scoring.bundle_evaluation import photos_sample
from training.scoring.coco_scorer import scorer_choose


class Session:
    """A run in memory. Everything that can be wrong with photos, captions and options is found when it is made.

    `precision`: what an option of auto was found to be where the run began. `begun`: it goes on, so that captions which
    no run would begin with are only warned of. `verbose`: report each photo and caption that is left out.
    """

    def __init__(
        self,
        folder: RunFolder,
        *,
        options: TrainingOptions,
        sources: Sources,
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
        texts = [text for photo in self.train for text in photo.captions]
        self.parts = (
            parts_create(options, texts)
            if sources.start_from is None
            else parts_continue(options, texts, bundle=sources.start_from)
        )
        self.options, self.vocabulary = self.parts.options, self.parts.vocabulary
        self.encoder, self.decoder = self.parts.encoder.to(self.device), self.parts.decoder.to(self.device)
        self.concerns = self._concerns(begun=begun)
        self.stages = stages_planned(self.options, self.encoder, learnt=sources.start_from is not None)
        self._teachers = {stage.name: self._teachers_load(stage) for stage in self.stages}
        self.fingerprint = Fingerprint.of(
            self.train,
            self.validation_photos,
            sources=sources,
            vocabulary=self.vocabulary,
            encoder=self.parts.encoder_config,
        )
        self._report_data()

    def loop(self) -> Loop:
        return Loop(
            self.stages,
            workshop=self,
            folder=self.folder,
            patience=self.options.patience,
            stop=self.stop,
            device=self.device,
        )

    def trainer(self, stage: Stage) -> StageTrainer:
        torch.manual_seed(self.options.seed)
        model = self._model(stage)
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
            self._set(self.validation_photos, self._model(stage), views=1),
            vocabulary=self.vocabulary,
            decoding=self.options.decoding(),
            scorer=self.scorer,
            arithmetic=self.arithmetic,
            device=self.device,
            check=self.stop.check,
        )

    def shown(self, record: EpochRecord, validated: Validated) -> None:
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
        return photos_shown(self.validation_photos, preprocessing=self.parts.preprocessing)

    def bundle_write(self, loop: Loop) -> str:
        """The best weights of the run as a bundle in the run folder; returns its version."""
        best = loop.best_record()
        stage = next(stage for stage in self.stages if stage.name == best.stage)
        model = self._model(stage)
        model.load_state_dict(loop.best)
        model.decoder.sharpen(self.options.sharpness)
        tuned = self._tuned(loop.records[: loop.records.index(best) + 1])
        carried = tuned > 0 or self.parts.encoder_config.weights.carried
        for part in (model.decoder, model.encoder) if carried else (model.decoder,):
            weights_round(part)  # as the bundle keeps them, so that the scores are those of the bundle
        validated = self.validation(stage).judge(model)
        texts = [text for photo in self.train for text in photo.captions]
        metrics = {
            **validation_metrics(self.validation_photos, validated, scorer=self.scorer, beam=self.options.beam),
            "blind": blind_score(texts, self.validation_photos, scorer=self.scorer).to_dict(),
            "training": {
                "options": self.options.to_dict(),
                "start_from": self.fingerprint.start_from,
                "teachers": list(self.fingerprint.teachers or ()),
                "best": {"stage": best.stage, "epoch": best.epoch},
                "epochs": [record.to_dict() for record in loop.records],
            },
        }
        if failure := run_failure(metrics, photos=len(self.train), concerns=self.concerns, records=loop.records):
            metrics["failed"] = failure
        try:
            version = bundle_save(
                self.folder.bundle,
                decoder=model.decoder,
                encoder=model.encoder if carried else None,
                config=BundleConfig(
                    self.parts.encoder_config,
                    self.options.decoder_config(),
                    self.parts.preprocessing,
                    self.options.decoding(),
                ),
                vocabulary=self.vocabulary,
                metrics=metrics,
                card=card_text(
                    name=self.folder.path.name,
                    encoder=self.parts.encoder_config,
                    tuned=self.encoder.stage_names[len(self.encoder.stage_names) - tuned :],
                    decoder=self.options.decoder_config(),
                    options=self.options,
                    photos=(len(self.train), len(self.validation_photos)),
                    words=len(self.vocabulary),
                    metrics=metrics,
                    notes=self.notes,
                ),
            )
        except OSError as error:
            raise FileError(
                f"{self.folder.bundle} could not be written ({error.strerror or error}). Make room on that disk, or "
                "make the folder yours to write."
            ) from error
        return version

    def attention_write(self) -> None:
        """A page of what the finished bundle looks at, in the run folder."""
        shown = [photo.path for photo in photos_sample(self.validation_photos, limit=PHOTOS)]
        file_write(self.folder.attention, attention_page(Captioner.load(self.folder.bundle), shown))

    def _tuned(self, records: Sequence[EpochRecord]) -> int:
        """How many of the encoder's last stages learnt in those epochs."""
        stages = {stage.name: stage for stage in self.stages}
        return max(stages[record.stage].learning(record.epoch) for record in records)

    def _model(self, stage: Stage) -> TrainedModel:
        return TrainedModel(self.encoder, self.decoder, trained=stage.trained)

    def _teachers_load(self, stage: Stage) -> Teachers | None:
        """Before anything is computed: those that do not fit would else be told of after the features, or a stage."""
        if not self.sources.teachers:
            return None
        if self.options.decoder == "tutorial":
            raise OptionError(
                "--teacher is not for --decoder tutorial, which learns to say <start> too: nobody teaches that. "
                "Leave --teacher out, or choose another --decoder."
            )
        return teachers_load(
            self.sources.teachers,
            vocabulary=self.vocabulary,
            encoder=self.encoder,
            preprocessing=self.parts.preprocessing,
            trained=stage.trained,
            device=self.device,
        )

    def _set(self, photos: list[CaptionedPhoto], model: TrainedModel, *, views: int) -> TrainingSet:
        arrays = features_cached(
            [photo.path for photo in photos],
            trunk=model.trunk,
            preprocessing=self.parts.preprocessing,
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
        texts = [text for photo in self.train for text in photo.captions]
        coverage = vocabulary_coverage(texts, self.vocabulary)
        self.report(
            f"{len(self.train):,} photos to train on with {len(texts):,} captions, {len(self.validation_photos):,} "
            f"photos to validate on; {len(self.vocabulary):,} words, {coverage.unknown_rate:.1%} of what is said "
            f"unknown. Device {self.device}, {str(self.arithmetic.dtype).removeprefix('torch.')}."
        )
