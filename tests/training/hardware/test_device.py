"""The device that torch computes on."""

import pytest

from training.errors import TrainingError
from training.hardware.device import device_require


def test_device_that_is_none_is_told():
    with pytest.raises(TrainingError, match=r"'cpu2' cannot be used here .* Try --device cpu"):
        device_require("cpu2")
