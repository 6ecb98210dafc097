"""Recurrent decoders: features to words, one step at a time.

Shapes, everywhere in this module: B photos, K captions of each photo (captions of one photo in training, beams
in search), T steps, L places with C channels, V words. All K captions share what is computed of their photo.
Input tokens begin with <start>; what step t gives is the distribution of token t + 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from captioner.config import DecoderConfig


class DecoderState(NamedTuple):
    """`memory` is what was computed of the photos, each (B, ...); the rest is of the captions, (B, K, hidden)."""

    memory: tuple[Tensor, ...]
    hidden: Tensor
    cell: Tensor

    def select(self, captions: Tensor) -> DecoderState:
        """The state whose caption k is the present caption `captions[b, k]` of the same photo. int64 (B, K')."""
        index = captions.unsqueeze(-1).expand(-1, -1, self.hidden.shape[-1])
        return DecoderState(self.memory, self.hidden.gather(1, index), self.cell.gather(1, index))

    def keep(self, photos: Tensor) -> DecoderState:
        """The state of these photos alone: int64 indices."""
        return DecoderState(tuple(part[photos] for part in self.memory), self.hidden[photos], self.cell[photos])


class Decoder(nn.Module):
    """What search and training need of a decoder."""

    embedding: nn.Embedding

    def forward(self, features: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Teacher forcing. (B, L, C), int64 (B, K, T) -> logits (B, K, T, V), attention (B, K, T, L).

        Attention is (B, K, T, 0) where the decoder has none. The tutorial's decoder gives T + 1 steps, the first of
        which predicts <start> itself.
        """
        vectors, attention = self.vectors(features, tokens)
        return self.logits(vectors), attention

    def logits(self, vectors: Tensor) -> Tensor:
        """Vectors (..., D) -> (..., V)."""
        raise NotImplementedError

    def log_probabilities(self, vectors: Tensor) -> Tensor:
        return self.logits(vectors).float().log_softmax(-1)

    def vectors(self, features: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """As forward, short of the output layer: (B, K, T, D), (B, K, T, L). For losses that mask first."""
        raise NotImplementedError

    def start(self, features: Tensor) -> DecoderState:
        """(B, L, C) -> the state before the first word, K = 1."""
        raise NotImplementedError

    def step(self, state: DecoderState, tokens: Tensor) -> tuple[Tensor, Tensor, DecoderState]:
        """One word on. int64 (B, K) -> log-probabilities (B, K, V), attention (B, K, L), the next state."""
        return self.advance(state, *self.spoken(self.embedding(tokens)))

    def spoken(self, words: Tensor) -> tuple[Tensor, ...]:
        """All that a step needs of words and that depends on them alone, each (..., D): from embeddings (..., E)."""
        raise NotImplementedError

    def advance(self, state: DecoderState, *spoken: Tensor) -> tuple[Tensor, Tensor, DecoderState]:
        """As step, from what `spoken` gives of the words (B, K)."""
        raise NotImplementedError

    def sharpen(self, factor: float) -> None:
        """Multiplies the energies of attention, if there is any, for good: a softmax of temperature 1 / factor."""


class TiedDecoder(Decoder):
    """What the two decoders of the papers share: words in, words out, and the recurrence of the LSTM.

    The word embedding is tied to the output layer (Press & Wolf 2017), so it must start small: with torch's
    default of N(0, 1) the first loss is in the hundreds.
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
        """`gates`: the word's share of the pre-activations, computed for all steps at once; the rest is added here."""
        gates = gates + self.recurrent_gates(torch.cat(inputs, -1))
        keep_in, forget, candidate, output = gates.chunk(4, -1)
        cell = forget.sigmoid() * cell + keep_in.sigmoid() * candidate.tanh()
        return output.sigmoid() * cell.tanh(), cell


class ShowAttendAndTell(TiedDecoder):
    """Soft attention over the last feature map (Xu et al. 2015, "Show, Attend and Tell").

    As in the paper: initial states from the mean annotation (section 3.1.2), soft attention (equations 4-6, 13), gated
    context (section 4.2.1; a gate per channel), deep output (equation 7). Unlike it: features are projected and
    normalised first, which an encoder with 1280 channels and 6,000 photos wants. Energies (equation 4) are by
    `config.scoring` those of the paper, v . tanh(U a_i + W h), or "dot": (U a_i) . (W h + X w) / sqrt(width), scaled
    dot products (Luong et al. 2015, equation 8; Vaswani et al. 2017, equation 1), where the word w that was just said
    asks too. They cost a fraction of the time and their maps are sharper.
    """

    def __init__(self, config: DecoderConfig, *, vocabulary_size: int, feature_channels: int) -> None:
        super().__init__(config, vocabulary_size=vocabulary_size, input_size=config.annotation)
        self.annotate = nn.Sequential(
            nn.Linear(feature_channels, config.annotation), nn.LayerNorm(config.annotation), nn.ReLU()
        )
        self.initial = nn.Linear(config.annotation, 2 * config.hidden)
        self.key = nn.Linear(config.annotation, config.attention, bias=False)
        self.query = nn.Linear(config.hidden, config.attention)
        self.additive = config.scoring == "additive"
        if self.additive:
            self.score = nn.Linear(config.attention, 1, bias=False)
        else:
            self.word_query = nn.Linear(config.embedding, config.attention, bias=False)
        self.gate = nn.Linear(config.hidden, config.annotation)
        self.context_output = nn.Linear(config.annotation, config.embedding)

    def start(self, features: Tensor) -> DecoderState:
        annotations = self.dropout(self.annotate(features))
        hidden, cell = self.initial(annotations.mean(1, keepdim=True)).tanh().chunk(2, -1)
        return DecoderState((annotations, self.key(annotations)), hidden, cell)

    def vectors(self, features: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        memory, hidden, cell = self.start(features)
        hidden, cell = (part.expand(-1, tokens.shape[1], -1) for part in (hidden, cell))
        words = self._dropout_locked(self.embedding(tokens))
        hiddens, contexts, maps = [], [], []
        for gates, asked in zip(self.word_gates(words).unbind(2), self._asked(words).unbind(2), strict=True):
            context, attention = self._attend(memory, hidden, asked)
            hidden, cell = self._lstm(gates, (context, hidden), cell)
            hiddens.append(hidden)
            contexts.append(context)
            maps.append(attention)
        vectors = self._deep_output(words, self._dropout_locked(torch.stack(hiddens, 2)), torch.stack(contexts, 2))
        return vectors, torch.stack(maps, 2)

    def spoken(self, words: Tensor) -> tuple[Tensor, ...]:
        words = self.dropout(words)
        return words, self.word_gates(words), self._asked(words)

    def advance(self, state: DecoderState, *spoken: Tensor) -> tuple[Tensor, Tensor, DecoderState]:
        words, gates, asked = spoken
        context, attention = self._attend(state.memory, state.hidden, asked)
        hidden, cell = self._lstm(gates, (context, state.hidden), state.cell)
        vectors = self._deep_output(words, self.dropout(hidden), context)
        return self.log_probabilities(vectors), attention, DecoderState(state.memory, hidden, cell)

    @torch.no_grad()
    def sharpen(self, factor: float) -> None:
        (self.score if self.additive else self.key).weight.mul_(factor)

    def _asked(self, words: Tensor) -> Tensor:
        """The words' share of the query (..., attention); nothing, (..., 1), in additive scoring."""
        asked: Tensor = words.new_zeros(*words.shape[:-1], 1) if self.additive else self.word_query(words)
        return asked

    def _attend(self, memory: tuple[Tensor, ...], hidden: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
        """The gated context (B, K, annotation) and the weights (B, K, L) it was made with."""
        annotations, keys = memory
        query = self.query(hidden) + asked
        if self.additive:
            energies = self.score((keys.unsqueeze(1) + query.unsqueeze(2)).tanh()).squeeze(-1)
        else:
            energies = query @ keys.mT / math.sqrt(query.shape[-1])
        attention = energies.float().softmax(-1)
        context = attention.to(annotations.dtype) @ annotations
        gated: Tensor = self.gate(hidden).sigmoid() * context
        return gated, attention

    def _deep_output(self, words: Tensor, hidden: Tensor, context: Tensor) -> Tensor:
        vectors: Tensor = words + self.hidden_output(hidden) + self.context_output(context)
        return vectors


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


class Tutorial(Decoder):
    """The decoder of the 2021 tutorial that this project comes from, to be compared with.

    The image is the first input of the LSTM, whose state is zero before it, and the whole caption with its <start> is
    the target. Embedding and output layer are two, and nothing is dropped.
    """

    def __init__(self, config: DecoderConfig, *, vocabulary_size: int, feature_channels: int) -> None:
        super().__init__()
        self.image = nn.Linear(feature_channels, config.embedding)
        self.embedding = nn.Embedding(vocabulary_size, config.embedding)
        self.lstm = nn.LSTM(config.embedding, config.hidden, batch_first=True)
        self.output = nn.Linear(config.hidden, vocabulary_size)

    def logits(self, vectors: Tensor) -> Tensor:
        logits: Tensor = self.output(vectors)
        return logits

    def start(self, features: Tensor) -> DecoderState:
        _, (hidden, cell) = self.lstm(self.image(features.mean(1, keepdim=True)))
        return DecoderState((), hidden.transpose(0, 1), cell.transpose(0, 1))

    def vectors(self, features: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        image = self.image(features.mean(1, keepdim=True)).unsqueeze(1).expand(-1, tokens.shape[1], -1, -1)
        inputs = torch.cat([image, self.embedding(tokens)], 2)
        hiddens, _ = self.lstm(inputs.flatten(0, 1))
        return hiddens.unflatten(0, tokens.shape[:2]), hiddens.new_zeros(*inputs.shape[:3], 0)

    def spoken(self, words: Tensor) -> tuple[Tensor, ...]:
        return (words,)

    def advance(self, state: DecoderState, *spoken: Tensor) -> tuple[Tensor, Tensor, DecoderState]:
        (words,) = spoken
        flat = tuple(part.flatten(0, 1).unsqueeze(0).contiguous() for part in (state.hidden, state.cell))
        hiddens, flat = self.lstm(words.flatten(0, 1).unsqueeze(1), flat)
        hidden, cell = (part.squeeze(0).unflatten(0, words.shape[:2]) for part in flat)
        logs = self.log_probabilities(hiddens.squeeze(1).unflatten(0, words.shape[:2]))
        return logs, logs.new_zeros(*words.shape[:2], 0), DecoderState((), hidden, cell)


def decoder_create(config: DecoderConfig, *, vocabulary_size: int, feature_channels: int) -> Decoder:
    """A decoder with random weights, in training mode."""
    kinds = {"show_attend_and_tell": ShowAttendAndTell, "show_and_tell": ShowAndTell, "tutorial": Tutorial}
    return kinds[config.name](config, vocabulary_size=vocabulary_size, feature_channels=feature_channels)
