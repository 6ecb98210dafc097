"""How exactly losses are computed, as a run keeps it."""

import json
from dataclasses import replace

import torch

from training.hardware.mixed_precision import arithmetic_choose
from training.hardware.numerics import Numerics

CPU, CUDA = torch.device("cpu"), torch.device("cuda:1")
NUMERICS = Numerics("cuda", 2, "bfloat16")


def test_numerics_of_a_process_name_what_auto_was_found_to_be():
    arithmetic = arithmetic_choose("auto", CPU)

    assert Numerics.of(arithmetic) == Numerics("cpu", torch.get_num_threads(), str(arithmetic.dtype)[6:])


def test_numerics_come_back_from_json():
    assert Numerics.from_dict(json.loads(json.dumps(NUMERICS.to_dict()))) == NUMERICS


def test_precision_is_kept_on_another_device_of_the_kind_and_chosen_anew_on_another_kind():
    assert NUMERICS.precision_on(CUDA) == "bfloat16"
    assert NUMERICS.precision_on(CPU) is None


def test_numerics_that_are_as_they_were_are_not_told_of():
    assert NUMERICS.change(NUMERICS) == ""


def test_numerics_that_changed_are_told_with_what_they_were():
    now = replace(NUMERICS, device="cpu", precision="float32")

    assert now.change(NUMERICS) == (
        "Going on with device cpu instead of cuda, precision float32 instead of bfloat16: "
        "the losses may differ from those of an unbroken run."
    )
