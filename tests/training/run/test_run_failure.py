"""Whether a run came to anything."""

import pytest

from tests.training.tiny_models import record
from training.data.caption_checks import Concern
from training.run.run_failure import run_failure

BLIND = {"how": "captions drawn at random", "cider": 8.0, "bleu_4": 3.0, "example": "a dog"}
FALLING = [record(epoch=epoch, epochs=5, validation_loss=5.0 - epoch) for epoch in (1, 2)]
RISING = [record(epoch=epoch, epochs=5, validation_loss=5.0 + epoch) for epoch in (1, 2)]


def failure(cider, bleu_4=3.0, *, blind=BLIND, distinct=0.5, photos=1000, concerns=(), records=RISING) -> str:
    model = {"photos": 100, "cider": cider, "bleu_4": bleu_4, "distinct": distinct}
    return run_failure({"validation": model, "blind": blind}, photos=photos, concerns=concerns, records=records)


def test_model_better_than_blind_captions_is_a_success():
    assert failure(8.01, 0.0) == ""


@pytest.mark.parametrize("cider", [0.0, 7.99, 8.0, float("nan")])
def test_model_no_better_than_blind_captions_is_a_failure(cider):
    assert failure(cider).startswith("Its captions are no better than blind ones: on the validation photos they score ")


def test_failure_tells_both_scores_and_how_the_blind_captions_were_chosen():
    assert "CIDEr 2.0 and BLEU-4 1.0, and captions drawn at random, CIDEr 8.0 and BLEU-4 3.0." in failure(2.0, 1.0)


@pytest.mark.parametrize(("bleu_4", "failed"), [(3.01, False), (3.0, True), (2.0, True)])
def test_model_is_judged_by_bleu_where_cider_tells_nothing(bleu_4, failed):
    assert bool(failure(0.0, bleu_4, blind=BLIND | {"cider": 0.0})) is failed


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"concerns": [Concern("All captions say the same.")], "photos": 3}, "All captions say the same."),
        ({"photos": 30}, "30 photos are few to learn from: give some hundreds."),
        ({"records": FALLING}, "The loss was still falling in its last epoch: give more than --decoder-epochs 5."),
        ({"distinct": 0.01}, "It says the same of nearly every photo: give more epochs, or another learning rate."),
        ({}, "The captions may be those of other photos. Look at them with manage.py inspect_dataset."),
    ],
)
def test_failure_tells_what_most_likely_caused_it(changes, why):
    assert failure(1.0, **changes).endswith(f"Most likely why, and what to do: {why}")
