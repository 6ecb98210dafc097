"""Convolutional encoders: pixels to a grid of feature vectors.

Every encoder takes uint8 (B, 3, S, S) RGB, normalises on its own device, and gives float (B, L, C): the last
feature map, its L = H x H places in row-major order. None is ever in training mode unless asked.

    library.py    what timm and torchvision have, by name, and what it was pretrained with
    weights.py    where a network's weights are, and whether they are the ones meant
    networks.py   how each family of network is cut into stages
    encoder.py    the encoder
    creation.py   from a name to an encoder
"""

from captioner.encoders.creation import encoder_config, encoder_config_pinned, encoder_create, encoder_preprocessing
from captioner.encoders.encoder import Encoder

__all__ = ["Encoder", "encoder_config", "encoder_config_pinned", "encoder_create", "encoder_preprocessing"]
