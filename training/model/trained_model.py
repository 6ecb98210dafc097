"""The model in training: an encoder whose last stages may learn, and a decoder."""

from __future__ import annotations

from torch import Tensor, nn

from captioner.encoders import Encoder
from captioner.lstm_decoders import Decoder


class TrainedModel(nn.Module):
    """`trained`: how many of the encoder's last stages learn. The part before them, the trunk, is frozen.

    The trunk's output is the same in every epoch. training.batches.feature_cache computes it once: the `maps`. Batch
    normalisation keeps the statistics of its pretraining, because the few photos of a step would only blur them.
    """

    def __init__(self, encoder: Encoder, decoder: Decoder, *, trained: int) -> None:
        super().__init__()
        self.encoder, self.decoder, self.trained = encoder, decoder, trained
        self._parts = encoder.split(trained)  # a tuple: their weights are the encoder's and not registered again
        self.learn(trained)

    @property
    def trunk(self) -> nn.Module:
        """uint8 (B, 3, S, S) -> maps."""
        return self._parts[0]

    def learn(self, stages: int) -> None:
        """From now on the decoder learns, and the encoder's last `stages`, at most `trained` of them.

        Depthwise convolutions stay frozen: they are few weights, and their gradient takes most of a step on a CPU.
        """
        self.encoder.requires_grad_(False)
        learning = self.encoder.split(min(stages, self.trained))[1]
        learning.requires_grad_(True)
        for layer in learning.modules():
            if isinstance(layer, nn.Conv2d) and 1 < layer.groups == layer.in_channels:
                layer.requires_grad_(False)

    def features(self, maps: Tensor) -> Tensor:
        """Output of the trunk -> (B, L, C), the input of the decoder."""
        features: Tensor = self._parts[1](maps)
        return features

    def train(self, mode: bool = True) -> TrainedModel:
        super().train(mode)
        self.encoder.eval()
        return self

    def encoder_parameters(self) -> list[nn.Parameter]:
        """All that may learn in this stage, also what does not learn yet."""
        return list(self._parts[1].parameters())
