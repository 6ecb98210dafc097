"""A training session from files to files: captioned photos in, a bundle out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from captioner.config import BundleConfig, DecoderConfig, DecodingDefaults
from captioner.encoders import encoder_config, encoder_create, encoder_preprocessing
from training.coco import captioned_photos
from training.errors import TrainingError
from training.features import features_cached
from training.loop import LoopOptions, Trainer, TrainingSet
from training.vocabulary_builder import vocabulary_build


@dataclass(frozen=True)
class SessionOptions:
    """What to train on and what to make. `work` keeps the features and the checkpoint; it can be deleted afterwards."""

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
    resume: bool = False


def captioner_train(options: SessionOptions, *, report: Callable[[str], None]) -> str:
    """Trains and writes the bundle. Returns its version. Raises TrainingError or CaptionerError.

    All that can be wrong with the captions, the photos or the output is found before the first step.
    """
    if options.output.exists():
        raise TrainingError(f"{options.output} exists already, and a bundle is never changed. Choose another --output.")
    train = captioned_photos(options.train_captions, images=options.images)
    validation = captioned_photos(options.val_captions, images=options.images)
    vocabulary = vocabulary_build((text for photo in train for text in photo.captions), threshold=options.threshold)
    report(f"{len(train)} photos to train on, {len(validation)} to validate on, {len(vocabulary)} words.")

    preprocessing = encoder_preprocessing(options.encoder, size=options.size, resize=options.resize)
    encoder_settings = encoder_config(options.encoder, weights_file=options.encoder_weights)
    encoder = encoder_create(encoder_settings, preprocessing=preprocessing).to(options.device)

    def views(photos: list, mirrors: tuple[bool, ...]) -> TrainingSet:  # type: ignore[type-arg]
        paths = [photo.path for photo in photos]
        return TrainingSet(
            photos,
            [
                features_cached(
                    paths,
                    encoder=encoder,
                    config=encoder_settings,
                    preprocessing=preprocessing,
                    directory=options.work / "features",
                    mirrored=mirrored,
                    device=options.device,
                )
                for mirrored in mirrors
            ],
        )

    trainer = Trainer(
        train=views(train, (False, True) if options.mirror else (False,)),
        validation=views(validation, (False,)),
        vocabulary=vocabulary,
        decoder=options.decoder,
        decoding=options.decoding,
        options=options.loop,
        checkpoint=options.work / "checkpoint.pt",
        device=options.device,
    )
    if options.resume:
        trainer.resume()
        report(f"Resumed after epoch {len(trainer.history)}.")
    trainer.run(report=report)
    config = BundleConfig(encoder_settings, options.decoder, preprocessing, options.decoding)
    from captioner.bundle import bundle_save

    raise SystemExit("trained")
