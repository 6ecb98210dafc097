"""The paired bootstrap, against a plain loop and where the answer is known."""

import random

import numpy as np
import pytest

from training.errors import ScorerError
from training.scoring.coco_scorer import FALLBACK, Scores
from training.scoring.model_comparison import scores_compare

WORDS = ["dog", "cat", "runs", "sits", "red", "big", "ball", "boat"]


def scores_of(*, photos: int, wrong: int = 0, seed: int = 0) -> Scores:
    """Scores of captions that are their reference, but for the first `wrong` photos'."""
    generator = random.Random(seed)
    references = {photo: [" ".join(generator.choices(WORDS, k=6))] for photo in range(photos)}
    captions = {photo: "a bird" if photo < wrong else texts[0] for photo, texts in references.items()}
    return FALLBACK.scores(references, captions)


def test_comparison_gives_the_corpus_scores_of_both():
    a, b = scores_of(photos=20, wrong=3), scores_of(photos=20, wrong=8)

    found = scores_compare(a, b, resamples=10)

    assert (found.cider.a, found.cider.b) == pytest.approx((a.cider, b.cider))
    assert (found.bleu_4.a, found.bleu_4.b) == pytest.approx((a.bleu_4, b.bleu_4))
    assert found.cider.difference == pytest.approx(a.cider - b.cider)


def test_comparison_of_a_clearly_better_model_excludes_0():
    found = scores_compare(scores_of(photos=40, wrong=2), scores_of(photos=40, wrong=30))

    for difference in (found.cider, found.bleu_4):
        assert 0 < difference.low < difference.difference < difference.high
        assert difference.a_better == 1


def test_comparison_of_a_model_with_itself_finds_nothing():
    scores = scores_of(photos=20, wrong=5)

    found = scores_compare(scores, scores, resamples=100)

    for difference in (found.cider, found.bleu_4):
        assert (difference.difference, difference.low, difference.high, difference.a_better) == (0, 0, 0, 0)


def test_comparison_turned_round_is_its_mirror():
    a, b = scores_of(photos=30, wrong=10), scores_of(photos=30, wrong=12)

    there, back = scores_compare(a, b).cider, scores_compare(b, a).cider

    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))


def test_comparison_draws_the_same_photos_for_the_same_seed():
    a, b = scores_of(photos=30, wrong=10), scores_of(photos=30, wrong=12)

    assert scores_compare(a, b, resamples=50, seed=3) == scores_compare(a, b, resamples=50, seed=3)
    assert scores_compare(a, b, resamples=50, seed=3) != scores_compare(a, b, resamples=50, seed=4)


def test_comparison_does_not_depend_on_the_size_of_its_blocks(monkeypatch):
    a, b = scores_of(photos=30, wrong=10), scores_of(photos=30, wrong=12)
    whole = scores_compare(a, b, resamples=50)
    monkeypatch.setattr("training.scoring.model_comparison._CELLS", 7 * 30)

    assert scores_compare(a, b, resamples=50) == whole


def test_comparison_interval_is_that_of_the_bootstrap():
    """The bootstrap of a mean is known: normal, with the standard error of the paired differences."""
    a, b = scores_of(photos=400, wrong=100), scores_of(photos=400, wrong=120)
    each = np.array([a.photos[photo].cider - b.photos[photo].cider for photo in a.photos])
    error = each.std() / len(each) ** 0.5

    cider = scores_compare(a, b, resamples=20_000).cider

    assert cider.high - cider.low == pytest.approx(2 * 1.96 * error, rel=0.05)


def test_comparison_bleu_of_a_resample_is_that_of_the_drawn_photos():
    a, b = scores_of(photos=6, wrong=2), scores_of(photos=6, wrong=6)
    (drawn,) = np.random.default_rng(5).multinomial(6, np.full(6, 1 / 6), size=1)
    chosen: list[int] = np.repeat(np.arange(6), drawn).tolist()

    found = scores_compare(a, b, resamples=1, seed=5).bleu_4

    matches = [sum(a.photos[photo].matches[n] for photo in chosen) for n in range(4)]
    ngrams = [sum(a.photos[photo].ngrams[n] for photo in chosen) for n in range(4)]
    words = sum(a.photos[photo].words for photo in chosen)
    reference_words = sum(a.photos[photo].reference_words for photo in chosen)
    precision = np.prod([m / n for m, n in zip(matches, ngrams, strict=True)]) ** (1 / 4)
    bleu = 100 * precision * min(1, np.exp(1 - reference_words / words))
    assert found.low == found.high == pytest.approx(bleu)  # B matches nothing: 0
    assert found.b == 0


def test_comparison_refuses_other_photos():
    with pytest.raises(ScorerError, match="same photos"):
        scores_compare(scores_of(photos=5), scores_of(photos=6))


def test_comparison_refuses_no_photos():
    empty = Scores(0, 0, 0, 0, 0, 0)

    with pytest.raises(ScorerError, match="no photo"):
        scores_compare(empty, empty)
