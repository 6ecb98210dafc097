"""From a configuration to a decoder."""

from __future__ import annotations

from captioner.config import DecoderConfig
from captioner.lstm_decoders.decoder import Decoder
from captioner.lstm_decoders.show_and_tell import ShowAndTell
from captioner.lstm_decoders.show_attend_and_tell import ShowAttendAndTell
from captioner.lstm_decoders.tutorial import Tutorial


def decoder_create(config: DecoderConfig, *, vocabulary_size: int, feature_channels: int) -> Decoder:
    """A decoder with random weights, in training mode."""
    kinds = {"show_attend_and_tell": ShowAttendAndTell, "show_and_tell": ShowAndTell, "tutorial": Tutorial}
    return kinds[config.name](config, vocabulary_size=vocabulary_size, feature_channels=feature_channels)
