"""The model as its modules say, on any device."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn

from captioner.decoders import Decoder, DecoderState


class Engine(Protocol):
    """See captioner.decoders for the shapes."""

    def start(self, photos: Tensor, /) -> DecoderState:
        """uint8 (B, 3, S, S) -> the state before the first word, K = 1."""

    def step(self, state: DecoderState, tokens: Tensor, /) -> tuple[Tensor, Tensor, DecoderState]:
        """One word on. int64 (B, K) -> log-probabilities (B, K, V), attention (B, K, L), the next state."""


class PyTorchEngine:
    """Eager PyTorch."""

    def __init__(self, encoder: nn.Module, decoder: Decoder) -> None:
        self.encoder, self.decoder = encoder, decoder

    def start(self, photos: Tensor, /) -> DecoderState:
        return self.decoder.start(self.encoder(photos))

    def step(self, state: DecoderState, tokens: Tensor, /) -> tuple[Tensor, Tensor, DecoderState]:
        return self.decoder.step(state, tokens)
