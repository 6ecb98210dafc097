"""Which epoch of a run is the best."""

import pytest
import torch
from torch import nn

from tests.training.tiny_models import record
from training.epoch.best_epoch import BestEpoch, best_index, best_index_formerly
from training.epoch.epoch_record import EpochRecord

NAN = float("nan")


@pytest.mark.parametrize(
    ("judged", "best"),
    [
        ([(0.0, 3.0), (0.0, 2.0), (0.0, 2.5)], 1),
        ([(0.0, 3.0), (4.0, 5.0), (0.0, 2.5)], 1),
        ([(4.0, 3.0), (4.0, 3.0)], 0),
        ([(NAN, 1.0), (0.0, 4.0), (NAN, 1.0)], 1),
        ([(None, 3.0), (None, 2.0)], 1),
    ],
    ids=["lower loss", "higher CIDEr", "first of equals", "a number", "without scores"],
)
def test_best_epoch_is_that_of_the_highest_cider_and_then_of_the_lowest_loss(judged, best):
    assert best_index([record(cider=cider, validation_loss=loss) for cider, loss in judged]) == best


def test_best_epoch_keeps_the_weights_of_that_time():
    model, best = nn.Linear(1, 1, bias=False), BestEpoch()
    records: list[EpochRecord] = []
    for number, cider in enumerate((1.0, 3.0, 2.0)):
        nn.init.constant_(model.weight, number)
        new = record(cider=cider, epoch=number + 1)
        best.offer(new, model, former=records)
        records.append(new)

    assert best.index == 1
    assert torch.equal(best.weights["weight"], torch.ones(1, 1))


def test_best_epoch_of_a_former_checkpoint_is_the_first_of_equal_cider():
    assert best_index_formerly([record(cider=0.0, validation_loss=3.0), record(cider=0.0, validation_loss=2.0)]) == 0
    assert best_index_formerly([]) == 0
