"""The decoder of the tutorial that this project began with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from captioner.config import DecoderConfig
from captioner.lstm_decoders.decoder import Decoder, DecoderState


class Tutorial(Decoder):
    """The decoder of the 2021 tutorial that this project comes from, kept for comparison.

    The LSTM starts from zeros and takes the image as its first input. The target is the whole caption with its <start>.
    Embedding and output layer are separate. There is no dropout.
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
