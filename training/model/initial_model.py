"""The model that a run begins with: pretrained weights and random ones, or those of a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from captioner.bundle import bundle_load
from captioner.config import BundleConfig, EncoderConfig, Preprocessing
from captioner.encoders import Encoder, encoder_config, encoder_config_pinned, encoder_create, encoder_preprocessing
from captioner.lstm_decoders import Decoder, decoder_create
from captioner.vocabulary import Vocabulary
from training.data.vocabulary_builder import vocabulary_build, vocabulary_extend
from training.options.training_options import TrainingOptions


@dataclass(frozen=True)
class InitialModel:
    """`options`: the run's, with the sizes that encoder and decoder really have."""

    options: TrainingOptions
    vocabulary: Vocabulary
    encoder_config: EncoderConfig
    preprocessing: Preprocessing
    encoder: Encoder
    decoder: Decoder


def model_create(options: TrainingOptions, texts: Sequence[str]) -> InitialModel:
    """A new model for the words of `texts`. Raises CaptionerError: unknown encoder, missing weights, no word left."""
    torch.manual_seed(options.seed)
    vocabulary = vocabulary_build(texts, threshold=options.threshold)
    weights = Path(options.encoder_weights) if options.encoder_weights else None
    preprocessing = encoder_preprocessing(options.encoder, size=options.size, resize=options.resize)
    config = encoder_config_pinned(encoder_config(options.encoder, weights_file=weights))
    encoder = encoder_create(config, preprocessing=preprocessing)
    decoder = decoder_create(
        options.decoder_config(), vocabulary_size=len(vocabulary), feature_channels=config.feature_channels
    )
    return InitialModel(options, vocabulary, config, preprocessing, encoder, decoder)


def model_continue(options: TrainingOptions, texts: Sequence[str], *, bundle: Path) -> InitialModel:
    """The model of a bundle, with the new words of `texts` added. Raises BundleError.

    Encoder, decoder and their sizes are the bundle's. Dropout, which changes no weight, is the run's. Attention that
    was sharpened when the bundle was written begins unsharpened: this run sharpens it at its own end.
    """
    torch.manual_seed(options.seed)
    found = bundle_load(bundle)
    found.decoder.sharpen(1 / _sharpness(found.metrics))
    vocabulary = vocabulary_extend(found.vocabulary, texts, threshold=options.threshold)
    encoder, preprocessing = found.config.encoder, found.config.preprocessing
    decoder_config = replace(found.config.decoder, dropout=options.dropout)
    sizes = {key: value for key, value in decoder_config.to_dict().items() if key != "name"}
    options = replace(
        options,
        encoder=encoder.name,
        decoder=decoder_config.name,
        size=preprocessing.size,
        resize=preprocessing.resize,
        **sizes,
    )
    decoder = decoder_extended(
        found.decoder, config=replace(found.config, decoder=decoder_config), words=len(vocabulary)
    )
    return InitialModel(options, vocabulary, encoder, preprocessing, found.encoder, decoder)


def _sharpness(metrics: dict[str, Any]) -> float:
    """By how much the bundle was sharpened. 1 if it does not tell."""
    told = metrics.get("training")
    options = told.get("options") if isinstance(told, dict) else None
    factor = options.get("sharpness") if isinstance(options, dict) else None
    return float(factor) if isinstance(factor, int | float) and factor > 0 else 1.0


def decoder_extended(decoder: Decoder, *, config: BundleConfig, words: int) -> Decoder:
    """The decoder for a vocabulary of `words`. It keeps what it has learnt of the first words."""
    longer = decoder_create(config.decoder, vocabulary_size=words, feature_channels=config.encoder.feature_channels)
    with torch.no_grad():
        for name, tensor in longer.state_dict().items():
            learnt = decoder.state_dict()[name]
            if learnt.shape == tensor.shape:
                tensor.copy_(learnt)
            else:
                tensor[: len(learnt)].copy_(learnt)
    return longer
