"""Sharpness of attention, on maps whose figures are plain to see; and of a small real bundle."""

import numpy as np
import pytest

from captioner.inference import Captioner
from tests.bundles import bundle_make
from training.errors import ScorerError
from training.scoring.attention_focus import attention_focus, greedy_attention

LEFT, RIGHT, EVEN = [1.0, 0, 0, 0], [0, 0, 0, 1.0], [0.25] * 4


def test_focus_of_an_even_veil_is_1_and_does_not_move():
    focus = attention_focus([["dog", "runs"]], [np.array([EVEN, EVEN])])

    assert (focus.peak, focus.distance) == (1, 0)


def test_focus_on_single_places_is_their_number_and_moves_all_the_way():
    focus = attention_focus([["dog", "runs"]], [np.array([LEFT, RIGHT])])

    assert (focus.peak, focus.distance) == (4, 1)


def test_focus_peak_is_of_content_words_alone():
    assert attention_focus([["A", "dog", "on"]], [np.array([LEFT, EVEN, RIGHT])]).peak == 1


def test_focus_distance_is_the_mean_over_pairs_then_over_captions():
    maps = [np.array([LEFT, LEFT, RIGHT]), np.array([EVEN, LEFT])]

    focus = attention_focus([["dog", "cat", "bird"], ["dog", "runs"]], maps)

    assert focus.distance == pytest.approx((2 / 3 + 3 / 4) / 2)


def test_focus_distance_of_content_words_leaves_articles_out():
    focus = attention_focus([["a", "dog", "runs"]], [np.array([LEFT, RIGHT, RIGHT])])

    assert focus.distance == pytest.approx(2 / 3)
    assert focus.content_distance == 0


def test_focus_of_captions_of_one_word_or_none_has_no_distance():
    focus = attention_focus([["a"], []], [np.array([LEFT]), np.zeros((0, 4))])

    assert (focus.peak, focus.distance, focus.content_distance) == (0, 0, 0)


def test_focus_names_a_caption_with_other_maps_than_words():
    with pytest.raises(ScorerError, match="'a dog' has 2 words, but 1 attention maps"):
        attention_focus([["a", "dog"]], [np.array([LEFT])])


def test_focus_refuses_maps_that_are_not_weights():
    with pytest.raises(ScorerError, match="'dog' must add up to 1"):
        attention_focus([["dog"]], [np.array([[255.0, 0, 0, 0]])])


def test_greedy_attention_goes_with_the_words_of_serving(bundle):
    captioner = Captioner.load(bundle)
    images = [np.full((64, 64, 3), shade, dtype=np.uint8) for shade in (0, 255)]

    words, maps = greedy_attention(captioner, images)

    served = captioner.caption_batch(images, beam=1)
    assert words == [[word.text for word in result.words] for result in served]
    for weights, result in zip(maps, served, strict=True):
        np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)
        shown = weights / weights.max(1, keepdims=True) * 255
        np.testing.assert_allclose(shown, result.attention.reshape(shown.shape), atol=0.51)


def test_greedy_attention_of_a_decoder_without_attention_has_no_places(tmp_path):
    captioner = Captioner.load(bundle_make(tmp_path / "plain", decoder="show_and_tell"))

    words, maps = greedy_attention(captioner, [np.zeros((64, 64, 3), dtype=np.uint8)])

    assert maps[0].shape == (len(words[0]), 0)
