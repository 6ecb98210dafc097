"""The decoder with soft attention over the encoder's feature map: "Show, Attend and Tell"."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from captioner.config import DecoderConfig
from captioner.lstm_decoders.decoder import DecoderState, TiedDecoder


class ShowAttendAndTell(TiedDecoder):
    """Soft attention over the last feature map (Xu et al. 2015, "Show, Attend and Tell").

    As in the paper: initial states from the mean annotation (section 3.1.2), soft attention (equations 4-6, 13), gated
    context (section 4.2.1; a gate per channel), deep output (equation 7). Unlike the paper: features are projected and
    normalised first, because 1280 channels are many for 6,000 photos. `config.scoring` chooses the energies (equation
    4). "additive" is the paper's v . tanh(U a_i + W h). "dot" is (U a_i) . (W h + X w) / sqrt(width): scaled dot
    products (Luong et al. 2015, equation 8; Vaswani et al. 2017, equation 1) with the last word w in the query. "dot"
    costs a fraction of the time and its maps are sharper.
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
        """The words' share of the query (..., attention); zeros (..., 1) in additive scoring."""
        asked: Tensor = words.new_zeros(*words.shape[:-1], 1) if self.additive else self.word_query(words)
        return asked

    def _attend(self, memory: tuple[Tensor, ...], hidden: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
        """The gated context (B, K, annotation) and its attention weights (B, K, L)."""
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
