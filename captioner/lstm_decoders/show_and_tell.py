"""The decoder that is shown the photo once, as one vector: "Show and Tell"."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from captioner.config import DecoderConfig
from captioner.lstm_decoders.decoder import DecoderState, TiedDecoder


class ShowAndTell(TiedDecoder):
    """The photo as one vector, shown to the LSTM once, before <start> (Vinyals et al. 2015, equations 10-12)."""

    def __init__(self, config: DecoderConfig, *, vocabulary_size: int, feature_channels: int) -> None:
        super().__init__(config, vocabulary_size=vocabulary_size, input_size=0)
        self.image = nn.Sequential(
            nn.Linear(feature_channels, config.embedding), nn.LayerNorm(config.embedding), nn.ReLU()
        )

    def start(self, features: Tensor) -> DecoderState:
        image = self.dropout(self.image(features.mean(1, keepdim=True)))
        zeros = image.new_zeros(*image.shape[:2], self.hidden_size)
        return DecoderState((), *self._lstm(self.word_gates(image), (zeros,), zeros))

    def vectors(self, features: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        _, hidden, cell = self.start(features)
        hidden, cell = (part.expand(-1, tokens.shape[1], -1) for part in (hidden, cell))
        hiddens = []
        for gates in self.word_gates(self._dropout_locked(self.embedding(tokens))).unbind(2):
            hidden, cell = self._lstm(gates, (hidden,), cell)
            hiddens.append(hidden)
        vectors = self.hidden_output(self._dropout_locked(torch.stack(hiddens, 2)))
        return vectors, vectors.new_zeros(*tokens.shape, 0)

    def spoken(self, words: Tensor) -> tuple[Tensor, ...]:
        return (self.word_gates(self.dropout(words)),)

    def advance(self, state: DecoderState, *spoken: Tensor) -> tuple[Tensor, Tensor, DecoderState]:
        (gates,) = spoken
        hidden, cell = self._lstm(gates, (state.hidden,), state.cell)
        vectors = self.hidden_output(self.dropout(hidden))
        return self.log_probabilities(vectors), vectors.new_zeros(*hidden.shape[:2], 0), DecoderState((), hidden, cell)
