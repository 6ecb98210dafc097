"""The model run by PyTorch as it is, on any device: the reference that other engines are compared with."""

from __future__ import annotations

from typing import TypeAlias

from torch import Tensor, nn

from captioner.beam_search import Stepper
from captioner.lstm_decoders import Decoder, DecoderState

Engine: TypeAlias = Stepper[DecoderState]  # starts from pixels: uint8 (B, 3, S, S)


class PyTorchEngine:
    """Eager PyTorch. Shapes: captioner.lstm_decoders.decoder."""

    def __init__(self, encoder: nn.Module, decoder: Decoder) -> None:
        self.encoder, self.decoder = encoder, decoder

    def start(self, photos: Tensor, /) -> DecoderState:
        return self.decoder.start(self.encoder(photos))

    def step(self, state: DecoderState, tokens: Tensor, /) -> tuple[Tensor, Tensor, DecoderState]:
        return self.decoder.step(state, tokens)
