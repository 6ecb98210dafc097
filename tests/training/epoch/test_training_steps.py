"""The steps of a stage."""

import pytest
import torch

from tests.training.small_runs import prepared
from training.hardware.mixed_precision import Arithmetic

pytestmark = pytest.mark.usefixtures("no_java")


def test_trainer_whose_losses_are_scaled_goes_on_from_one_whose_were_not(found, tmp_path):
    made = prepared(tmp_path / "run", found)
    state = made.trainer(made.stages[0]).state()
    made.arithmetic = Arithmetic(made.device, torch.float16)
    scaled = made.trainer(made.stages[0])

    scaled.restore(state)

    assert scaled.scaler.get_scale() > 1
