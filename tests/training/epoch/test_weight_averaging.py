"""The moving average of the weights."""

import pytest
import torch
from torch import nn

from training.epoch.weight_averaging import average_create, average_update


@pytest.fixture
def model() -> nn.Linear:
    layer = nn.Linear(1, 1)
    with torch.no_grad():
        layer.weight.fill_(0.0)
        layer.bias.fill_(0.0)
    return layer


def moved(model: nn.Linear, *, to: float, decay: float, step: int) -> float:
    average = average_create(model)
    with torch.no_grad():
        model.weight.fill_(to)
    average_update(average, model, decay=decay, step=step)
    return float(average.weight)


def test_average_moves_by_what_the_decay_leaves(model):
    assert moved(model, to=1.0, decay=0.9, step=1000) == pytest.approx(0.1)


def test_average_forgets_its_first_weights_soon(model):
    assert moved(model, to=1.0, decay=0.999, step=0) == pytest.approx(0.9)


def test_average_without_decay_is_the_model(model):
    assert moved(model, to=1.0, decay=0.0, step=1000) == 1.0


def test_average_leaves_frozen_weights_alone(model):
    model.weight.requires_grad_(False)
    assert moved(model, to=1.0, decay=0.5, step=1000) == 0.0


def test_average_is_reached_by_no_gradient(model):
    average = average_create(model)
    assert not any(parameter.requires_grad for parameter in average.parameters())
    assert not average.training
