"""The interface of every decoder, and the LSTM that the decoders of the papers share.

Shapes, in every module of this package: B photos, K captions of each photo (captions of one photo in training, beams
in search), T steps, L places with C channels, V words. What is computed of a photo is computed once for its K captions.
Input tokens begin with <start>; step t gives the distribution of token t + 1.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from captioner.config import DecoderConfig


class DecoderState(NamedTuple):
    """`memory`: computed of the photos once, each (B, ...). `hidden` and `cell`: of the captions, (B, K, hidden)."""

    memory: tuple[Tensor, ...]
    hidden: Tensor
    cell: Tensor

    def select(self, captions: Tensor) -> DecoderState:
        """The state whose caption k is caption `captions[b, k]` of this one. `captions`: int64 (B, K')."""
        index = captions.unsqueeze(-1).expand(-1, -1, self.hidden.shape[-1])
        return DecoderState(self.memory, self.hidden.gather(1, index), self.cell.gather(1, index))

    def keep(self, photos: Tensor) -> DecoderState:
        """The state of these photos alone. `photos`: int64 indices."""
        return DecoderState(tuple(part[photos] for part in self.memory), self.hidden[photos], self.cell[photos])


class Decoder(nn.Module):
    """What search and training need of a decoder."""

    embedding: nn.Embedding

    def forward(self, features: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Teacher forcing. (B, L, C), int64 (B, K, T) -> logits (B, K, T, V), attention (B, K, T, L).

        Attention is (B, K, T, 0) where the decoder has none. The tutorial's decoder gives T + 1 steps: the first one
        predicts <start> itself.
        """
        vectors, attention = self.vectors(features, tokens)
        return self.logits(vectors), attention

    def logits(self, vectors: Tensor) -> Tensor:
        """Vectors (..., D) -> (..., V)."""
        raise NotImplementedError

    def log_probabilities(self, vectors: Tensor) -> Tensor:
        return self.logits(vectors).float().log_softmax(-1)

    def vectors(self, features: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """As forward, without the output layer: (B, K, T, D), (B, K, T, L). For losses that mask first."""
        raise NotImplementedError

    def start(self, features: Tensor) -> DecoderState:
        """(B, L, C) -> the state before the first word, K = 1."""
        raise NotImplementedError

    def step(self, state: DecoderState, tokens: Tensor) -> tuple[Tensor, Tensor, DecoderState]:
        """One word on. int64 (B, K) -> log-probabilities (B, K, V), attention (B, K, L), the next state."""
        return self.advance(state, *self.spoken(self.embedding(tokens)))

    def spoken(self, words: Tensor) -> tuple[Tensor, ...]:
        """The part of a step that depends on the words alone. Embeddings (..., E) -> tensors, each (..., D)."""
        raise NotImplementedError

    def advance(self, state: DecoderState, *spoken: Tensor) -> tuple[Tensor, Tensor, DecoderState]:
        """As step, from the result of `spoken` for the words (B, K)."""
        raise NotImplementedError

    def sharpen(self, factor: float) -> None:
        """Multiplies the energies of attention, if there is any: a softmax of temperature 1 / factor from now on."""


class TiedDecoder(Decoder):
    """What the two decoders of the papers share: embedding, output layer, and the recurrence of the LSTM.

    The word embedding is tied to the output layer (Press & Wolf 2017), so it must start small. With torch's default of
    N(0, 1) the first loss is in the hundreds.
    """

    def __init__(self, config: DecoderConfig, *, vocabulary_size: int, input_size: int) -> None:
        super().__init__()
        self.hidden_size = config.hidden
        self.embedding = nn.Embedding(vocabulary_size, config.embedding)
        self.bias = nn.Parameter(torch.zeros(vocabulary_size))
        self.dropout = nn.Dropout(config.dropout)
        self.word_gates = nn.Linear(config.embedding, 4 * config.hidden)
        self.recurrent_gates = nn.Linear(input_size + config.hidden, 4 * config.hidden, bias=False)
        self.hidden_output = nn.Linear(config.hidden, config.embedding)
        nn.init.normal_(self.embedding.weight, std=0.05)
        with torch.no_grad():  # remember by default (Jozefowicz et al. 2015)
            self.word_gates.bias[config.hidden : 2 * config.hidden] = 1.0

    def logits(self, vectors: Tensor) -> Tensor:
        """(..., embedding) -> (..., V)."""
        return F.linear(vectors, self.embedding.weight, self.bias)

    def _dropout_locked(self, vectors: Tensor) -> Tensor:
        """(B, K, T, ...): the same mask at every step of a caption (Gal and Ghahramani 2016, section 4.1)."""
        return vectors * self.dropout(torch.ones_like(vectors[:, :, :1])) if self.training else vectors

    def _lstm(self, gates: Tensor, inputs: tuple[Tensor, ...], cell: Tensor) -> tuple[Tensor, Tensor]:
        """`gates`: the word's share of the pre-activations, computed for all steps at once. This adds the rest."""
        gates = gates + self.recurrent_gates(torch.cat(inputs, -1))
        keep_in, forget, candidate, output = gates.chunk(4, -1)
        cell = forget.sigmoid() * cell + keep_in.sigmoid() * candidate.tanh()
        return output.sigmoid() * cell.tanh(), cell
