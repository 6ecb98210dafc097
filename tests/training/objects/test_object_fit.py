"""Temperature, trust and reliability from described photos."""

import pytest
import torch

from tests.captioner.objects.tables import TABLE
from training.objects.object_fit import PRIOR, reliability, temperature_fit, trust_fit, words_named


def test_words_are_named_by_plural_too_and_only_whole() -> None:
    named = words_named(TABLE, [["Two cats play."], ["A dogged man."], ["A man.", "He has a tennis racket!"]])
    assert named.tolist() == [
        [True, False, False, False],
        [False, False, False, False],
        [False, False, True, False],
    ]


def test_trust_is_the_share_of_photos_in_which_people_name_the_word() -> None:
    probabilities = torch.zeros(100, 4)
    probabilities[:, 0] = 0.9
    named = torch.zeros(100, 4, dtype=torch.bool)
    named[:25, 0] = True
    table = trust_fit(TABLE, probabilities, named)
    yes, no = PRIOR
    assert table.words[0].trust == pytest.approx((yes + 25) / (yes + no + 100), abs=1e-4)
    assert table.words[1].trust == pytest.approx(yes / (yes + no), abs=1e-4)  # never seen: the prior


def test_photos_where_a_word_is_hardly_seen_say_nothing_of_it() -> None:
    probabilities = torch.full((50, 4), 0.2)
    assert trust_fit(TABLE, probabilities, torch.zeros(50, 4, dtype=torch.bool)).words[0].trust > 0.9


@pytest.mark.parametrize("true", [0.8, 1.6])
def test_temperature_is_found_again(true: float) -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(20_000, 4, generator=generator) * 3
    scores[:, 3] = -10  # a class that no caption may say
    classes = torch.multinomial((scores / true).softmax(-1), 1, generator=generator)
    named = torch.zeros(20_000, 4, dtype=torch.bool).scatter(1, classes, value=True)
    assert temperature_fit(TABLE, scores, named) == pytest.approx(true, abs=0.1)


def test_reliability_tells_how_often_a_bin_is_right() -> None:
    probabilities = torch.tensor([[0.95, 0.0], [0.97, 0.0], [0.0, 0.4], [0.05, 0.0]])
    named = torch.tensor([[True, False], [False, False], [False, True], [True, True]])
    low, high = reliability(probabilities, named)
    assert [(each.photos, round(each.probability, 3), each.named) for each in (low, high)] == [
        (1, 0.4, 1.0),
        (2, 0.96, 0.5),
    ]
