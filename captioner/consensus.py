"""Of the captions that a search found for a photo, the one that the others agree with most.

Minimum Bayes risk decoding (Kumar and Byrne 2004, equation 2): captions that say nearly the same share their
probability among them, so that the likeliest single one is often an odd one. Here all vote for those like them.
"""

from __future__ import annotations

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
    expected = [
        sum(weight * _likeness(mine, theirs) for weight, theirs in zip(weights, grams, strict=True)) for mine in grams
    ]
    return sorted(range(len(captions)), key=lambda index: -expected[index])


def _grams(words: Sequence[int]) -> Counter[tuple[int, ...]]:
    return Counter(
        tuple(words[start : start + order]) for order in range(1, ORDERS + 1) for start in range(len(words) - order + 1)
    )


def _likeness(one: Counter[tuple[int, ...]], other: Counter[tuple[int, ...]]) -> float:
    """F1 of the n-grams, 0..1 (Dice's coefficient of two bags)."""
    if not (total := one.total() + other.total()):
        return 1.0
    return 2 * (one & other).total() / total
