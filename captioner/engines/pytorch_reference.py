"""The model run by PyTorch as it is, on any device: the reference that other engines are compared with."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor

from captioner.lstm_decoders import Decoder, DecoderState
from captioner.objects.object_head import ObjectHead


class Engine(Protocol):
    """Runs a model. Shapes: captioner.lstm_decoders.decoder."""

    def start(self, photos: Tensor, /) -> tuple[DecoderState, Tensor | None]:
        """uint8 (B, 3, S, S) -> the state before the first word, and what the object head scores: (B, classes)."""

    def step(self, state: DecoderState, tokens: Tensor, /) -> tuple[Tensor, Tensor, DecoderState]:
        """One word on, as captioner.lstm_decoders.Decoder.step."""


class PyTorchEngine:
    """Eager PyTorch.

    `encoder`: an Encoder, or without a head any module. `head`: the object head, if the bundle has one.
    """

    def __init__(self, encoder: Any, decoder: Decoder, head: ObjectHead | None = None) -> None:
        self.encoder, self.decoder, self.head = encoder, decoder, head

    def start(self, photos: Tensor, /) -> tuple[DecoderState, Tensor | None]:
        if self.head is None:
            return self.decoder.start(self.encoder(photos)), None
        features, scores = self.head.see(self.encoder, photos)
        return self.decoder.start(features), scores

    def step(self, state: DecoderState, tokens: Tensor, /) -> tuple[Tensor, Tensor, DecoderState]:
        return self.decoder.step(state, tokens)
