"""Of the captions that a search found for a photo, the one that the others agree with most.

Minimum Bayes risk decoding (Kumar and Byrne 2004, equation 2): captions that say nearly the same share their
probability among them, so that the likeliest single one is often an odd one. Here all vote for those like them.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence

ORDERS = 4  # n-grams of 1..4 words count


def consensus_order(
    captions: Sequence[Sequence[int]], log_probabilities: Sequence[float], *, votes: float
) -> list[int]:
    """Indices of one photo's captions, that with the greatest expected likeness first (a tie: as they came).

    `captions`: words of each. `log_probabilities`: of each as a whole; its vote weighs its probability ** `votes`.
    """
    grams = [_grams(words) for words in captions]
    most = max(log_probabilities, default=0.0)
    weights = [math.exp(votes * (log - most)) for log in log_probabilities]
    expected = list(weights)  # a caption is wholly like itself
    for one, other in itertools.combinations(range(len(captions)), 2):
        likeness = _likeness(grams[one], grams[other])
        expected[one] += weights[other] * likeness
        expected[other] += weights[one] * likeness
    return sorted(range(len(captions)), key=lambda index: -expected[index])


def _grams(words: Sequence[int]) -> set[tuple[int, ...]]:
    """The bag of n-grams as a set: each with how often it has stood before."""
    seen: Counter[tuple[int, ...]] = Counter()
    bag = set()
    for order in range(1, ORDERS + 1):
        for gram in zip(*(words[first:] for first in range(order)), strict=False):
            bag.add((seen[gram], *gram))
            seen[gram] += 1
    return bag


def _likeness(one: set[tuple[int, ...]], other: set[tuple[int, ...]]) -> float:
    """F1 of the n-grams, 0..1 (Dice's coefficient of two bags)."""
    if not (total := len(one) + len(other)):
        return 1.0
    return 2 * len(one & other) / total
