"""Beam search over models of other numbers than float32, or of none, and over no photos."""

import math

import torch
from torch import Tensor

from captioner.beam_search import beam_search
from tests.captioner.test_beam_search import VOCABULARY, Script, Steps, photos


def test_search_gives_attention_in_full_precision_whatever_the_model_has():
    class Half(Script):
        def step(self, state: Steps, tokens: Tensor, /) -> tuple[Tensor, Tensor, Steps]:
            logs, attention, after = super().step(state, tokens)
            return logs, attention.half(), after

    found = beam_search(Half([-1.0] * VOCABULARY), photos(1, 1), beam=2, max_words=3, length_penalty=0.0)

    assert {hypothesis.attention.dtype for hypothesis in found[0]} == {torch.float32}


def test_search_gives_no_caption_where_the_model_gives_no_numbers():
    found = beam_search(Script([math.nan] * VOCABULARY), photos(1, 2), beam=3, max_words=4, length_penalty=0.7)

    assert found == [[], []]


def test_search_of_no_photos_finds_nothing():
    assert beam_search(Script([-1.0] * VOCABULARY), photos(1, 0), beam=2, max_words=3, length_penalty=0.0) == []
