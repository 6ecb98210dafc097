"""The arithmetic of a device."""

import pytest
import torch

from training.errors import OptionError
from training.hardware.mixed_precision import Arithmetic, arithmetic_choose

CPU = torch.device("cpu")


def product(arithmetic: Arithmetic) -> torch.Tensor:
    with arithmetic.autocast():
        return torch.ones(2, 2) @ torch.ones(2, 2)


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_arithmetic_multiplies_in_its_type(precision, dtype):
    assert product(arithmetic_choose(precision, CPU)).dtype == dtype


@pytest.mark.parametrize(("hardware", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_arithmetic_of_a_processor_is_16_bits_only_where_it_has_them(hardware, dtype, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: hardware)  # no machine has both

    assert arithmetic_choose("auto", CPU) == Arithmetic(CPU, dtype)


@pytest.mark.parametrize(("hardware", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_arithmetic_of_a_gpu_is_16_bits_in_any_case(hardware, dtype, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *, including_emulation: hardware)
    gpu = torch.device("cuda")

    assert arithmetic_choose("auto", gpu) == Arithmetic(gpu, dtype)


@pytest.mark.parametrize(("dtype", "scaled"), [(torch.float16, True), (torch.bfloat16, False), (torch.float32, False)])
def test_arithmetic_scales_the_loss_where_gradients_would_vanish(dtype, scaled):
    assert Arithmetic(torch.device("cuda"), dtype).scaled is scaled


def test_arithmetic_of_float16_without_cuda_is_refused_with_what_to_give():
    with pytest.raises(OptionError, match=r"--precision float16 is for CUDA; on cpu give float32 or bfloat16"):
        arithmetic_choose("float16", CPU)
