"""Of the captions that a search found for a photo, the one that the others agree with most and the model is sure of.

Minimum Bayes risk decoding (Kumar and Byrne 2004, equation 2): captions that say nearly the same share their
probability among them, so that the likeliest single one is often an odd one. Here all vote for those like them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from captioner.config import DecodingDefaults

ORDERS = 4  # n-grams of 1..4 words count
SIGMA = 6.0  # words: how far captions may differ in length

# The number of words, and for each n the parts of the vector and its norm.
_Vectors: TypeAlias = tuple[int, list[tuple[dict[tuple[int, ...], float], float]]]


@dataclass(frozen=True)
class Consensus:
    """`information`: of each word of the vocabulary, in nats: what agreeing on it tells.

    `votes`: a caption's vote weighs its probability ** `votes` (0: all weigh the same). `certainty`: weight of a
    caption's mean log-probability beside its share of the votes, 0..1.
    """

    information: Sequence[float]
    votes: float
    certainty: float

    def order(self, captions: Sequence[Sequence[int]], logs: Sequence[Sequence[float]]) -> list[int]:
        """Indices of one photo's captions, the best first (a tie: as they came).

        `captions`: words of each. `logs`: the log-probability of each word, then that of the end.
        """
        totals = [sum(words_logs) for words_logs in logs]
        worth = [
            share + self.certainty * total / len(words_logs)
            for share, total, words_logs in zip(self.shares(captions, totals), totals, logs, strict=True)
        ]
        return sorted(range(len(captions)), key=lambda index: -worth[index])

    def shares(self, captions: Sequence[Sequence[int]], logs: Sequence[float]) -> list[float]:
        """The share of all votes, 0..1, that each caption gets. `logs`: the log-probability of each as a whole."""
        vectors = [self._vectors(words) for words in captions]
        most = max(logs, default=0.0)
        weights = [math.exp(self.votes * (log - most)) for log in logs]
        votes = list(weights)  # its own, whole
        for one, other in itertools.combinations(range(len(captions)), 2):
            like_other, like_one = _likenesses(vectors[one], vectors[other])
            votes[one] += weights[other] * like_other
            votes[other] += weights[one] * like_one
        everybody = sum(weights)
        return [vote / everybody for vote in votes]

    def _vectors(self, words: Sequence[int]) -> _Vectors:
        """Of a caption's n-grams for n = 1..4: how often each stands there, times the information of its words."""
        told = [self.information[word] for word in words]
        vectors, sums = [], told
        for n in range(1, ORDERS + 1):
            parts: dict[tuple[int, ...], float] = {}
            for gram, weight in zip(zip(*(words[k:] for k in range(n)), strict=False), sums, strict=True):
                parts[gram] = parts.get(gram, 0.0) + weight
            vectors.append((parts, math.sqrt(sum(part * part for part in parts.values()))))
            sums = [weight + last for weight, last in zip(sums, told[n:], strict=False)]
        return len(words), vectors


def consensus_create(decoding: DecodingDefaults, information: Sequence[float]) -> Consensus | None:
    """None where captions stay in the order of the search. `information`: of each word, in nats."""
    if not decoding.consensus:
        return None
    return Consensus(information, votes=decoding.consensus, certainty=decoding.certainty)


def _likenesses(one: _Vectors, other: _Vectors) -> tuple[float, float]:
    """How like `other` caption `one` is, and how like `one` the other, 0..1: clipping makes them differ.

    CIDEr-D (Vedantam et al. 2015, equations 1-3 and appendix) with a single reference, and with what its words tell in
    place of the inverse document frequency of an n-gram.
    """
    (length, vectors), (other_length, others) = one, other
    like_other = like_one = 0.0
    for (parts, norm), (other_parts, other_norm) in zip(vectors, others, strict=True):
        if not (norm and other_norm and (common := parts.keys() & other_parts.keys())):
            continue
        to_other = to_one = 0.0
        for gram in common:
            part, other_part = parts[gram], other_parts[gram]
            least = min(part, other_part)
            to_other += least * other_part
            to_one += least * part
        like_other += to_other / (norm * other_norm)
        like_one += to_one / (norm * other_norm)
    share = math.exp(-((length - other_length) ** 2) / (2 * SIGMA**2)) / ORDERS
    return like_other * share, like_one * share
