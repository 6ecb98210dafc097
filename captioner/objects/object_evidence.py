"""From the scores of classes to probabilities of everyday words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from captioner.objects.object_words import ObjectWords

TOLD = 5  # objects told of a photo at most
LEAST = 0.1  # probability below which an object is neither told nor said


@dataclass(frozen=True)
class SeenObject:
    """An object that the encoder's own classifier sees: an everyday word, singular, and its probability, 0..1."""

    word: str
    probability: float


class ObjectEvidence:
    """`temperature`: divides the scores, so that probabilities are as often right as they say (Guo et al. 2017)."""

    def __init__(self, table: ObjectWords, *, temperature: float) -> None:
        self.table = table
        self.temperature = temperature
        pairs = [(index, column) for column, word in enumerate(table.words) for index in word.classes]
        self.classes, self.columns = torch.tensor(pairs).T  # each class of each word
        self.trust = torch.tensor([table.words[column].trust for _, column in pairs])

    def probabilities(self, scores: Tensor) -> Tensor:
        """(B, classes) -> (B, words). Zero below LEAST."""
        found = self.sums(scores)
        return found.masked_fill(found < LEAST, 0.0)

    def sums(self, scores: Tensor) -> Tensor:
        """(B, classes) -> (B, words): the sum over a word's classes, times its trust. 0 where scores are not finite."""
        parts = (scores.float() / self.temperature).softmax(-1)[:, self.classes].nan_to_num_() * self.trust
        return parts.new_zeros(len(parts), len(self.table.words)).index_add_(1, self.columns, parts)

    def told(self, probabilities: Tensor) -> tuple[SeenObject, ...]:
        """Of one photo (words,): what is seen, likeliest first."""
        best = probabilities.topk(min(TOLD, len(probabilities)))
        return tuple(
            SeenObject(self.table.words[index].word, round(probability, 4))
            for probability, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
            if probability > 0
        )

    def to(self, device: torch.device) -> Self:
        self.classes, self.columns, self.trust = (x.to(device) for x in (self.classes, self.columns, self.trust))
        return self
