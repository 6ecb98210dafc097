"""Convolutional encoders: pixels to a grid of feature vectors.

Every encoder takes uint8 (B, 3, S, S) RGB, normalises on its own device, and gives float (B, L, C): the last
feature map, its L = H x H places in row-major order. A new encoder is in evaluation mode.

    encoder_catalogue.py    the names of all encoders, and how each was pretrained
    pretrained_weights.py   where a network's weights are, and whether they are the right ones
    network_stages.py       how each family of networks is cut into stages
    encoder.py              the encoder
    encoder_factory.py      from a name to an encoder
"""

from captioner.encoders.encoder import Encoder
from captioner.encoders.encoder_factory import (
    encoder_config,
    encoder_config_pinned,
    encoder_create,
    encoder_preprocessing,
)

__all__ = ["Encoder", "encoder_config", "encoder_config_pinned", "encoder_create", "encoder_preprocessing"]
