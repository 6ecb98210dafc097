"""Whether one model is better than another, or only by chance: the paired bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from training.errors import ScorerError
from training.scoring.coco_scorer import Scores

RESAMPLES = 10_000
CONFIDENCE = 0.95
_CELLS = 4_000_000  # of a block of resamples times photos: 32 MB


@dataclass(frozen=True)
class Difference:
    """Scores x 100 of A and B, A - B, its 95% interval, and the share (0..1) of resamples in which A is better."""

    a: float
    b: float
    difference: float
    low: float
    high: float
    a_better: float


@dataclass(frozen=True)
class Comparison:
    """Two sets of captions of the same photos."""

    photos: int
    resamples: int
    seed: int
    cider: Difference
    bleu_4: Difference

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def scores_compare(a: Scores, b: Scores, *, resamples: int = RESAMPLES, seed: int = 1) -> Comparison:
    """Paired bootstrap (Koehn 2004) on the differences of CIDEr and BLEU-4 over the same photos.

    Each resample draws as many photos as there are, with replacement, the same for A and B. CIDEr is the mean over the
    drawn photos, with the n-gram weights of all photos. BLEU-4 is computed anew from the counts of the drawn photos.
    The interval holds the middle 95% of the differences. Raises ScorerError if the photos differ.
    """
    if a.photos.keys() != b.photos.keys():
        raise ScorerError("Both models must have captioned the same photos: score them on the same captions file.")
    if not a.photos:
        raise ScorerError("There is no photo to compare two models on: give one at least.")
    photos = sorted(a.photos)
    tables = [_table(scores, photos) for scores in (a, b)]
    random = np.random.default_rng(seed)
    block = max(1, _CELLS // len(photos))
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for first in range(0, resamples, block):
        size = min(block, resamples - first)
        drawn = random.multinomial(len(photos), np.full(len(photos), 1 / len(photos)), size=size)  # (size, photos)
        sums_a, sums_b = (drawn @ table for table in tables)
        found.append((_ciders(sums_a) - _ciders(sums_b), _bleu_4s(sums_a) - _bleu_4s(sums_b)))
    cider, bleu_4 = (np.concatenate(part) for part in zip(*found, strict=True))
    return Comparison(
        photos=len(photos),
        resamples=resamples,
        seed=seed,
        cider=_difference(_ciders, tables, cider),
        bleu_4=_difference(_bleu_4s, tables, bleu_4),
    )


def _table(scores: Scores, photos: list[int]) -> np.ndarray:
    """What is summed over photos, float64 (photos, 12): 1, CIDEr, 4 matches, 4 n-grams, words, reference words."""
    rows = (scores.photos[photo] for photo in photos)
    return np.array([(1, p.cider, *p.matches, *p.ngrams, p.words, p.reference_words) for p in rows], dtype=np.float64)


def _ciders(sums: np.ndarray) -> np.ndarray:
    return np.asarray(sums[:, 1] / sums[:, 0])


def _bleu_4s(sums: np.ndarray) -> np.ndarray:
    """BLEU-4 x 100 (Papineni et al. 2002, section 2.3) of sums (N, 12): float64 (N,). 0 where no four words match."""
    matches, ngrams, words, reference_words = sums[:, 2:6], sums[:, 6:10], sums[:, 10], sums[:, 11]
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.exp(np.log(matches / ngrams).mean(1))
        brevity = np.exp(np.minimum(0, 1 - reference_words / words))
    return np.asarray(np.nan_to_num(100 * precision * brevity))


def _difference(
    score: Callable[[np.ndarray], np.ndarray], tables: list[np.ndarray], differences: np.ndarray
) -> Difference:
    of_a, of_b = (float(score(table.sum(0, keepdims=True))[0]) for table in tables)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(differences, [tail, 1 - tail])
    return Difference(of_a, of_b, of_a - of_b, float(low), float(high), float((differences > 0).mean()))
