"""Losses with numbers worked out by hand."""

import math

import pytest
import torch
from torch import Tensor

from captioner.lstm_decoders import Decoder
from captioner.vocabulary import END, PAD, START
from training.objectives.cross_entropy import attention_entropy, attention_spread, caption_loss

FEATURES = torch.zeros(1, 4, 3)
WORD = 4


class Certain(Decoder):
    """Says the same of every step: logits (0, 0, ln 2, 0, ln 3), so probabilities 1/8, 1/8, 2/8, 1/8, 3/8."""

    def __init__(self, *, first: bool = False, places: int = 1) -> None:
        super().__init__()
        self.places = places  # that every map looks at
        self.first = first  # an output for <start> too, as the tutorial's decoder gives

    def vectors(self, features: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        photos, captions, steps = tokens.shape
        attention = torch.zeros(photos, captions, steps, 4)
        attention[..., : self.places] = 1 / self.places
        return torch.zeros(photos, captions, steps + self.first, 1), attention

    def logits(self, vectors: Tensor) -> Tensor:
        return torch.tensor([0.0, 0.0, math.log(2), 0.0, math.log(3)]).expand(*vectors.shape[:-1], -1)


def test_loss_is_the_mean_over_words_and_end_and_passes_padding_over():
    tokens = torch.tensor([[[START, WORD, END, PAD], [START, WORD, WORD, END]]])

    loss = caption_loss(Certain(), FEATURES, tokens)

    assert END == 2
    assert loss.nats.item() == pytest.approx(-(3 * math.log(3 / 8) + 2 * math.log(2 / 8)) / 5)
    assert loss.total is loss.nats


def test_loss_of_a_decoder_that_says_start_counts_it():
    tokens = torch.tensor([[[START, WORD, END]]])

    loss = caption_loss(Certain(first=True), FEATURES, tokens)

    assert loss.nats.item() == pytest.approx(-(math.log(1 / 8) + math.log(3 / 8) + math.log(2 / 8)) / 3)


def test_loss_smooths_labels_over_all_words():
    tokens = torch.tensor([[[START, WORD]]])
    logs = [math.log(share / 8) for share in (1, 1, 2, 1, 3)]

    loss = caption_loss(Certain(), FEATURES, tokens, smoothing=0.1)

    assert loss.nats.item() == pytest.approx(-(0.9 * logs[WORD] + 0.1 * sum(logs) / 5))


def test_loss_adds_the_weighted_spread_of_the_attention():
    tokens = torch.tensor([[[START, WORD, END]]])

    loss = caption_loss(Certain(), FEATURES, tokens, penalty=0.5)

    assert loss.total.item() == pytest.approx(
        loss.nats.item() + 0.5 * 3.0
    )  # all on one place of four: (9 + 1 + 1 + 1) / 4


def test_loss_adds_the_weighted_entropy_of_the_attention():
    tokens = torch.tensor([[[START, WORD, END]]])

    sharp, even = (caption_loss(Certain(places=places), FEATURES, tokens, focus=0.5) for places in (1, 4))

    assert sharp.total.item() == pytest.approx(sharp.nats.item(), abs=1e-6)
    assert even.total.item() == pytest.approx(even.nats.item() + 0.5)


def test_entropy_of_even_maps_is_one_and_padding_does_not_count():
    attention = torch.tensor([[[[0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]]])

    assert attention_entropy(attention, torch.tensor([[[True, True, False]]])).item() == pytest.approx((1 + 0.5) / 2)


def test_spread_is_nothing_where_a_caption_looks_everywhere_alike():
    real = torch.ones(1, 1, 2, dtype=torch.bool)
    in_turn = torch.tensor([[[[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]]])

    assert attention_spread(in_turn, real).item() == pytest.approx(0.0)


def test_spread_passes_over_padding_and_captions_that_are_nothing_else():
    attention = torch.tensor([[[[1.0, 0.0]] * 2, [[0.0, 1.0]] * 2]])
    real = torch.tensor([[[True, False], [False, False]]])

    assert attention_spread(attention, real).item() == pytest.approx(1.0)
