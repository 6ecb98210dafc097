"""A training session from files to files: captioned photos in, a bundle out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import torch

from captioner.bundle import bundle_save
from captioner.config import BundleConfig, DecoderConfig, DecodingDefaults, EncoderConfig, Preprocessing
from captioner.encoders import Encoder, encoder_config, encoder_create, encoder_preprocessing
from training.data.coco import CaptionedPhoto, captioned_photos
from training.data.features import features_cached
from training.data.vocabulary_builder import vocabulary_build
from training.errors import TrainingError
from training.learning.card import card_text, cider_scorer, validation_metrics
from training.learning.loop import LoopOptions, Trainer, TrainingSet


@dataclass(frozen=True)
class SessionOptions:
    """What to train on and what to make.

    `work` keeps the features and the checkpoint; it can be deleted afterwards. `card_notes`: Markdown for the end
    of the model card: licence, intended use, limits.
    """

    images: Path
    train_captions: Path
    val_captions: Path
    output: Path
    work: Path
    encoder: str = "efficientnet_lite2"
    encoder_weights: Path | None = None
    size: int = 224
    resize: str = "squash"
    mirror: bool = True
    threshold: int = 5
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    decoding: DecodingDefaults = field(default_factory=DecodingDefaults)
    loop: LoopOptions = field(default_factory=LoopOptions)
    device: str = "cpu"
    card_notes: Path | None = None
    resume: bool = False


def captioner_train(options: SessionOptions, *, report: Callable[[str], None]) -> str:
    """Trains and writes the bundle. Returns its version. Raises TrainingError or CaptionerError.

    All that can be wrong with the captions, the photos or the output is found before the first step.
    """
    if options.output.exists():
        raise TrainingError(f"{options.output} exists already, and a bundle is never changed. Choose another --output.")
    if options.card_notes is not None and not options.card_notes.is_file():
        raise TrainingError(f"There is no file {options.card_notes} to take the model card's notes from.")
    _device_require(options.device)
    notes = options.card_notes.read_text(encoding="utf-8") if options.card_notes else ""
    train = captioned_photos(options.train_captions, images=options.images)
    validation = captioned_photos(options.val_captions, images=options.images)
    vocabulary = vocabulary_build((text for photo in train for text in photo.captions), threshold=options.threshold)
    report(f"{len(train)} photos to train on, {len(validation)} to validate on, {len(vocabulary)} words.")

    preprocessing = encoder_preprocessing(options.encoder, size=options.size, resize=options.resize)
    encoder_settings = encoder_config(options.encoder, weights_file=options.encoder_weights)
    encoder = encoder_create(encoder_settings, preprocessing=preprocessing).to(options.device)

    make = partial(
        _training_set, encoder=encoder, config=encoder_settings, preprocessing=preprocessing, options=options
    )
    trainer = Trainer(
        train=make(train, mirrors=(False, True) if options.mirror else (False,)),
        validation=make(validation, mirrors=(False,)),
        vocabulary=vocabulary,
        decoder=options.decoder,
        decoding=options.decoding,
        options=options.loop,
        checkpoint=options.work / "checkpoint.pt",
        score=cider_scorer(),
        device=options.device,
    )
    if options.resume:
        trainer.resume()
        report(f"Resumed after epoch {len(trainer.history)}.")
    trainer.run(report=report)
    best = trainer.best_record()
    report(f"The weights of epoch {best.epoch} were the best; writing {options.output}.")
    decoder = trainer.best_decoder()
    metrics = {
        **validation_metrics(validation, trainer.captions(decoder), beam=options.decoding.beam),
        "training": {"best_epoch": best.epoch, "epochs": [asdict(record) for record in trainer.history]},
    }
    return bundle_save(
        options.output,
        decoder=decoder,
        encoder=encoder if encoder_settings.weights.source == "file" else None,
        config=BundleConfig(encoder_settings, options.decoder, preprocessing, options.decoding),
        vocabulary=vocabulary,
        metrics=metrics,
        card=card_text(
            name=options.output.name,
            encoder=encoder_settings,
            decoder=options.decoder,
            photos=(len(train), len(validation)),
            words=len(vocabulary),
            metrics=metrics,
            notes=notes,
        ),
    )


def _device_require(device: str) -> None:
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise TrainingError(f"The device {device!r} cannot be used here ({reason}). Try --device cpu.") from error


def _training_set(
    photos: list[CaptionedPhoto],
    *,
    encoder: Encoder,
    config: EncoderConfig,
    preprocessing: Preprocessing,
    options: SessionOptions,
    mirrors: tuple[bool, ...],
) -> TrainingSet:
    views = [
        features_cached(
            [photo.path for photo in photos],
            encoder=encoder,
            config=config,
            preprocessing=preprocessing,
            directory=options.work / "features",
            mirrored=mirrored,
            device=options.device,
        )
        for mirrored in mirrors
    ]
    return TrainingSet(photos, views)
