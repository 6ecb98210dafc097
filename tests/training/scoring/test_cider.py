"""CIDEr-D as a reward, against COCO's own scorer and values worked out by hand."""

import math
import random

import numpy as np
import pytest
from pycocoevalcap.cider.cider import Cider

from training.errors import ScorerError
from training.scoring.cider import CiderD

WORDS = [f"w{number}" for number in range(12)]  # few, so that n-grams of four are found again


def captions_random(generator: random.Random, *, photos: int, references: int) -> dict[int, list[list[str]]]:
    """Photo id -> captions of 0..14 words."""
    return {
        10 * photo: [generator.choices(WORDS, k=generator.randint(0, 14)) for _ in range(references)]
        for photo in range(photos)
    }


def cocos_scores(references: dict[int, list[list[str]]], captions: dict[int, list[str]]) -> np.ndarray:
    truth = {photo: [" ".join(text) for text in texts] for photo, texts in references.items()}
    said = {photo: [" ".join(text)] for photo, text in captions.items()}
    return np.asarray(Cider().compute_score(truth, said)[1])


@pytest.mark.parametrize("seed", range(5))
def test_cider_d_equals_cocos(seed):
    generator = random.Random(seed)
    references = captions_random(generator, photos=30, references=1 + seed)
    captions = {photo: text for photo, (text,) in captions_random(generator, photos=30, references=1).items()}

    scores = CiderD(references).scores(captions.items())

    assert scores.max() > 0.1
    np.testing.assert_allclose(scores, cocos_scores(references, captions), rtol=0, atol=1e-12)


def test_cider_d_of_word_ids_equals_that_of_words():
    generator = random.Random(1)
    references = captions_random(generator, photos=10, references=5)
    ids = {photo: [[WORDS.index(word) for word in text] for text in texts] for photo, texts in references.items()}
    caption = generator.choices(WORDS, k=9)

    assert CiderD(ids).score(0, [WORDS.index(word) for word in caption]) == CiderD(references).score(0, caption) > 0


def test_cider_d_of_the_only_reference_is_10():
    references = {1: [["a", "dog", "runs", "on", "grass"]], 2: [["two", "boats", "sail", "at", "sea"]]}

    assert CiderD(references).score(1, references[1][0]) == pytest.approx(10)


def test_cider_d_clips_words_said_too_often():
    score = CiderD({1: [["dog"]], 2: [["boat"]]}).score(1, ["dog", "dog"])

    # One word of one: min(2, 1) * 1 / (2 * 1), no longer n-gram, one word too long; 10 / 4 for the mean over n.
    assert score == pytest.approx(10 / 4 * 0.5 * math.exp(-1 / 72))


def test_cider_d_counts_what_is_in_every_photo_for_nothing():
    assert CiderD({1: [["a", "dog"]], 2: [["a", "boat"]]}).score(1, ["a"]) == 0


def test_cider_d_of_a_single_photo_is_0_as_cocos_is():
    references = {1: [["a", "dog"]]}

    assert CiderD(references).score(1, ["a", "dog"]) == cocos_scores(references, {1: ["a", "dog"]})[0] == 0


def test_cider_d_with_an_end_token_gives_less_for_a_caption_that_was_cut_short():
    references = {1: [["a", "man", "in", "a", "boat"]], 2: [["a", "dog", "runs"]], 3: [["the", "sea"]]}
    ended = {photo: [[*text, "END"] for text in texts] for photo, texts in references.items()}
    cut = ["a", "man", "in", "a"]

    assert CiderD(ended).score(1, [*cut, "END"]) < CiderD(references).score(1, cut)


def test_cider_d_names_a_photo_that_it_does_not_know():
    with pytest.raises(ScorerError, match="no references of photo id 7"):
        CiderD({1: [["a", "dog"]]}).score(7, ["a"])


def test_cider_d_names_a_photo_without_references():
    with pytest.raises(ScorerError, match="Photo id 3 has no reference"):
        CiderD({1: [["a", "dog"]], 3: []})


def test_cider_d_refuses_no_photos():
    with pytest.raises(ScorerError, match="one photo at least"):
        CiderD({})
