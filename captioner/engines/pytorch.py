"""The model as its modules say, on any device."""

from __future__ import annotations

from typing import TypeAlias

from torch import Tensor, nn

from captioner.decoders import Decoder, DecoderState
from captioner.search import Stepper

Engine: TypeAlias = Stepper[DecoderState]  # one that starts from pixels: uint8 (B, 3, S, S)


class PyTorchEngine:
    """Eager PyTorch. See captioner.decoders for the shapes."""

    def __init__(self, encoder: nn.Module, decoder: Decoder) -> None:
        self.encoder, self.decoder = encoder, decoder

    def start(self, photos: Tensor, /) -> DecoderState:
        return self.decoder.start(self.encoder(photos))

    def step(self, state: DecoderState, tokens: Tensor, /) -> tuple[Tensor, Tensor, DecoderState]:
        return self.decoder.step(state, tokens)
