"""CIDEr-D as a reward. Weights and reference vectors are computed once, so a caption takes microseconds."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from training.errors import ScorerError

ORDERS = 4  # n-grams of 1..4 words
SIGMA = 6.0  # of the length penalty, in words

Tokens = Sequence[Hashable]
Gram = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class _Reference:
    """A reference caption: its n-grams with their counts, the norm of its vector for each n, and its length."""

    counts: dict[Gram, int]
    norms: tuple[float, ...]
    length: int


class CiderD:
    """CIDEr-D (Vedantam, Zitnick and Parikh 2015) against fixed references, for self-critical training.

    CIDEr (equations 1-3): for n = 1..4, the cosine between the vectors of a caption's and of a reference's n-grams,
    weighted by tf-idf, where a document is all references of one photo; mean over the references and n. The changes
    of CIDEr-D (appendix): the caption's weights are clipped to the reference's, each cosine is damped by
    exp(-(difference in length)^2 / (2 * 6^2)), and the whole is multiplied by 10. The values are those of pycocoevalcap
    when it scores all photos of `references`: 0..10. Published scores are 100 times the mean.

    `references`: photo id -> its captions as tokens, words or word ids, but the same kind as the captions to be scored.
    Give both an end token, as Rennie et al. 2017 do: then the reward finds captions that were cut short.
    With a single photo all scores are 0, as in COCO's scorer, because every n-gram has the weight log(1 / 1) = 0.
    """

    def __init__(self, references: Mapping[int, Sequence[Tokens]]) -> None:
        """Raises ScorerError where there is no photo, or one without references."""
        if not references:
            raise ScorerError("CIDEr-D needs the references of one photo at least, and there is none.")
        if bare := [photo for photo, captions in references.items() if not captions]:
            raise ScorerError(f"Photo id {bare[0]} has no reference caption: leave it out or add one.")
        known: dict[Gram, Gram] = {}  # each n-gram is kept once: COCO's captions have a dozen million
        counts = {
            photo: [{known.setdefault(g, g): count for g, count in gram_counts(c).items()} for c in captions]
            for photo, captions in references.items()
        }
        documents = Counter(chain.from_iterable(set().union(*captions) for captions in counts.values()))
        log_photos = math.log(len(references))
        self._unseen = log_photos**2
        self._weights = {gram: (log_photos - math.log(found)) ** 2 for gram, found in documents.items()}  # idf squared
        self._references = {
            photo: [
                _Reference(grams, self._norms(grams), _length(caption))
                for grams, caption in zip(counts[photo], captions, strict=True)
            ]
            for photo, captions in references.items()
        }

    def score(self, photo: int, caption: Tokens) -> float:
        """CIDEr-D of one caption of `photo`. Raises ScorerError for a photo without references."""
        try:
            references = self._references[photo]
        except KeyError as error:
            raise ScorerError(f"CIDEr-D has no references of photo id {photo}.") from error
        counts = gram_counts(caption)
        norms, length, weights = self._norms(counts), _length(caption), self._weights
        total = 0.0
        for reference in references:
            dots = [0.0] * ORDERS
            theirs = reference.counts
            for gram in counts.keys() & theirs.keys():
                there = theirs[gram]
                dots[len(gram) - 1] += min(counts[gram], there) * there * weights[gram]
            cosines = sum(
                dot / (norm * other) for dot, norm, other in zip(dots, norms, reference.norms, strict=True) if dot
            )
            total += cosines * math.exp(-((length - reference.length) ** 2) / (2 * SIGMA**2))
        return 10 * total / (ORDERS * len(references))

    def scores(self, pairs: Iterable[tuple[int, Tokens]]) -> np.ndarray:
        """CIDEr-D of each (photo id, caption): float64 (N,)."""
        return np.fromiter((self.score(photo, caption) for photo, caption in pairs), dtype=np.float64)

    def _norms(self, counts: Mapping[Gram, int]) -> tuple[float, ...]:
        squares = [0.0] * ORDERS
        weights, unseen = self._weights, self._unseen
        for gram, count in counts.items():
            squares[len(gram) - 1] += count * count * weights.get(gram, unseen)
        return tuple(map(math.sqrt, squares))


def gram_counts(caption: Tokens) -> dict[Gram, int]:
    shifted = [caption[start:] for start in range(ORDERS)]
    counts: dict[Gram, int] = {}
    for order in range(1, ORDERS + 1):
        for gram in zip(*shifted[:order], strict=False):
            counts[gram] = counts.get(gram, 0) + 1
    return counts


def _length(caption: Tokens) -> int:
    """COCO's scorer counts bigrams, so captions of no word and of one have the same length."""
    return max(len(caption) - 1, 0)
