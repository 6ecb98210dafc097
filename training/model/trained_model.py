"""The model in training: an encoder whose last stages may learn, and a decoder."""

from __future__ import annotations

from torch import Tensor, nn

from captioner.decoders import Decoder
from captioner.encoders import Encoder


class TrainedModel(nn.Module):
    """`trained`: how many of the encoder's last stages learn; what lies before them, the trunk, is frozen.

    The trunk's output is the same in every epoch: training.batches.feature_cache computes it once, and gives `maps`.
    Batch normalisation keeps the statistics of its pretraining, as a few photos a step would only blur them.
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
        """From now on the encoder's last `stages` learn, at most `trained` of them, and the decoder.

        Depthwise convolutions stay as they are: few weights, whose gradient takes most of a step's time on a CPU.
        """
        self.encoder.requires_grad_(False)
        learning = self.encoder.split(min(stages, self.trained))[1]
        learning.requires_grad_(True)
        for layer in learning.modules():
            if isinstance(layer, nn.Conv2d) and 1 < layer.groups == layer.in_channels:
                layer.requires_grad_(False)

    def features(self, maps: Tensor) -> Tensor:
        """What the trunk gave -> (B, L, C), as the decoder takes it."""
        features: Tensor = self._parts[1](maps)
        return features

    def train(self, mode: bool = True) -> TrainedModel:
        super().train(mode)
        self.encoder.eval()
        return self

    def encoder_parameters(self) -> list[nn.Parameter]:
        """All that may learn in this stage, whether it does already or not."""
        return list(self._parts[1].parameters())
