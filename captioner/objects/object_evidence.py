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
        self.sums = torch.zeros(table.classes, len(table.words))  # the classes of each word
        for column, word in enumerate(table.words):
            self.sums[list(word.classes), column] = word.trust

    def probabilities(self, scores: Tensor) -> Tensor:
        """(B, classes) -> (B, words): the sum over a word's classes, times its trust. Zero below LEAST."""
        found = (scores.float() / self.temperature).softmax(-1) @ self.sums
        return found.masked_fill(found < LEAST, 0.0)

    def told(self, probabilities: Tensor) -> tuple[SeenObject, ...]:
        """Of one photo (words,): what is seen, likeliest first."""
        best = probabilities.topk(min(TOLD, len(probabilities)))
        return tuple(
            SeenObject(self.table.words[index].word, round(probability, 4))
            for probability, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
            if probability > 0
        )

    def to(self, device: torch.device) -> Self:
        self.sums = self.sums.to(device)
        return self
