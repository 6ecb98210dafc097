"""Blind captions: chosen without a look at the photos. A model has to be better than they are."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from captioner.vocabulary import caption_tokens
from training.data.dataset import CaptionedPhoto
from training.scoring.cider import Gram, gram_counts
from training.scoring.coco_scorer import Scorer, Scores

DRAWN = "captions drawn at random from those to train on"
CENTRAL = "one caption for all photos, of those to train on the most central"
COMPARED = 10_000  # at most so many captions are searched for the most central one
DRAWN_CAPTIONS = 2_000  # at least so many drawn captions are scored: of few photos, a single draw is luck
DRAWS = 20  # at most
_SEED = 1  # the same for all runs, so that the same captions give the same blind ones


@dataclass(frozen=True)
class Blind:
    """Scores x 100 of blind captions. `how`: DRAWN or CENTRAL. `example`: one of them."""

    how: str
    cider: float
    bleu_4: float
    example: str

    def to_dict(self) -> dict[str, str | float]:
        return {
            "how": self.how,
            "cider": round(self.cider, 2),
            "bleu_4": round(self.bleu_4, 2),
            "example": self.example,
        }


def blind_score(texts: Sequence[str], photos: Sequence[CaptionedPhoto], *, scorer: Scorer) -> Blind:
    """The better, by CIDEr, of two ways to caption `photos` without a look at them.

    Either each photo gets a random one (seeded) of `texts`, the captions to train on, or all get the most central one.
    If the photos are few, the random way is the mean of several draws. Captions are scored as a model's are. On
    Flickr8k CIDEr is 3.0 and 7.9, of a trained model above 50. Raises ScorerError.
    """
    chance = np.random.default_rng(_SEED)
    central = dict.fromkeys((photo.id for photo in photos), caption_central(texts))
    draws = [
        {photo.id: texts[int(chance.integers(len(texts)))] for photo in photos}
        for _ in range(min(DRAWS, max(1, DRAWN_CAPTIONS // len(photos))))
    ]
    ways = [
        _blind(how, [_scores(photos, said, scorer) for said in tries], example=tries[0][photos[0].id])
        for how, tries in ((CENTRAL, [central]), (DRAWN, draws))
    ]
    return max(ways, key=lambda way: (way.cider, way.bleu_4))


def _blind(how: str, scores: Sequence[Scores], *, example: str) -> Blind:
    cider, bleu_4 = (sum(getattr(each, name) for each in scores) / len(scores) for name in ("cider", "bleu_4"))
    return Blind(how, cider, bleu_4, example)


def caption_central(texts: Sequence[str]) -> str:
    """The caption with the greatest mean cosine to the others, the first of equals.

    The cosine is that of CIDEr (Vedantam et al. 2015): of n-grams of 1..4 words, weighted by tf-idf. But each caption
    is a document. If there are more than COMPARED, so many are drawn at random.
    """
    if len(texts) > COMPARED:
        chosen = np.random.default_rng(_SEED).choice(len(texts), COMPARED, replace=False)
        texts = [texts[place] for place in sorted(chosen)]
    counts = [gram_counts(caption_tokens(text)) for text in texts]
    documents = Counter(gram for grams in counts for gram in grams)
    weights = {gram: math.log(len(texts) / found) for gram, found in documents.items()}
    vectors = [_unit(grams, weights) for grams in counts]
    # The sum of the cosines to all is the product with the sum of all, so no pair is computed.
    total: defaultdict[Gram, float] = defaultdict(float)
    for vector in vectors:
        for gram, value in vector.items():
            total[gram] += value
    likeness = [sum(value * total[gram] for gram, value in vector.items()) for vector in vectors]
    return texts[int(np.argmax(likeness))]


def _unit(grams: Mapping[Gram, int], weights: Mapping[Gram, float]) -> dict[Gram, float]:
    """The vector with length 1 for each n, or 0 if all captions hold the same n-grams."""
    vector = {gram: count * weights[gram] for gram, count in grams.items()}
    squares: defaultdict[int, float] = defaultdict(float)
    for gram, value in vector.items():
        squares[len(gram)] += value * value
    return {gram: value / math.sqrt(squares[len(gram)]) for gram, value in vector.items() if squares[len(gram)]}


def _scores(photos: Sequence[CaptionedPhoto], said: Mapping[int, str], scorer: Scorer) -> Scores:
    return scorer.scores({photo.id: list(photo.captions) for photo in photos}, said)
