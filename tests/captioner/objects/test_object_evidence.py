"""From scores of classes to probabilities of words."""

from dataclasses import replace

import pytest
import torch

from captioner.objects.object_evidence import ObjectEvidence, SeenObject
from captioner.objects.object_words import ObjectWords
from tests.captioner.objects.tables import CAT, DOG, TABLE

SCORES = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log()


def test_classes_of_a_word_are_summed() -> None:
    table = ObjectWords((replace(CAT, classes=(0, 1)), replace(DOG, classes=(2, 3))), {})
    found = ObjectEvidence(table, temperature=1.0).probabilities(SCORES)
    assert found.tolist() == [pytest.approx([0.8, 0.2])]


def test_probability_below_the_bound_is_none() -> None:
    assert ObjectEvidence(TABLE, temperature=1.0).probabilities(SCORES)[0, 3] == 0


def test_temperature_evens_out() -> None:
    cold, warm = (ObjectEvidence(TABLE, temperature=each).probabilities(SCORES)[0] for each in (1.0, 2.0))
    assert warm[0] < cold[0]
    assert warm.tolist() == pytest.approx((torch.tensor([0.5, 0.3, 0.15, 0.05]).sqrt() / 1.8656).tolist(), abs=1e-3)


def test_trust_takes_its_share() -> None:
    table = replace(TABLE, words=(replace(CAT, trust=0.5), *TABLE.words[1:]))
    assert ObjectEvidence(table, temperature=1.0).probabilities(SCORES)[0, 0] == pytest.approx(0.25)


def test_told_objects_are_sorted_and_certain_enough() -> None:
    evidence = ObjectEvidence(TABLE, temperature=1.0)
    assert evidence.told(evidence.probabilities(SCORES)[0]) == (
        SeenObject("cat", 0.5),
        SeenObject("dog", 0.3),
        SeenObject("tennis racket", 0.15),
    )


def test_scores_that_are_not_finite_see_nothing() -> None:
    scores = torch.cat([SCORES, torch.full((1, 4), float("nan"))])
    found = ObjectEvidence(TABLE, temperature=1.0).probabilities(scores)
    assert found[1].tolist() == [0, 0, 0, 0]
    assert found[0].tolist() == ObjectEvidence(TABLE, temperature=1.0).probabilities(SCORES)[0].tolist()
