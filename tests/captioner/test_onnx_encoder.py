"""ONNX Runtime in PyTorch's place: the same values, or PyTorch."""

import logging
import subprocess
import sys
import warnings

import pytest
import torch
from torch import nn

from captioner.engines import encoder_accelerate
from captioner.engines.onnx_export import EXPORTERS
from webapp.env import BASE_DIR

SIZE = 32


class Small(nn.Module):
    """A convolution and what the encoders have around it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return nn.functional.relu6(self.norm(self.conv(pixels.float() / 127.5 - 1)))


class Branching(nn.Module):
    """Depends on its pixels in a way that no graph expresses."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.float() if pixels.float().mean() > 3 else pixels.float() + 1


class Differing(nn.Module):
    """Is exported as another function than it is."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.float() * (1.01 if torch.compiler.is_exporting() else 1.0)


@pytest.fixture(scope="module")
def small() -> nn.Module:
    return Small().eval()


@pytest.fixture(scope="module")
def encode(small):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return encoder_accelerate(small, size=SIZE)


@pytest.mark.slow
@pytest.mark.parametrize("photos", [1, 3, 16])
def test_acceleration_gives_the_values_of_the_module_for_any_number_of_photos(photos, small, encode):
    pixels = torch.randint(0, 256, (photos, 3, 32, 32), dtype=torch.uint8)

    with torch.inference_mode():
        wanted = small(pixels)

    assert encode is not small
    assert encode(pixels).dtype == torch.float32
    assert torch.allclose(encode(pixels), wanted, atol=1e-5)


@pytest.mark.slow
def test_acceleration_takes_pixels_as_decoded_photos_lie_in_memory(small, encode):
    pixels = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8).permute(0, 3, 1, 2)

    with torch.inference_mode():
        assert torch.allclose(encode(pixels), small(pixels), atol=1e-5)


@pytest.mark.slow
def test_acceleration_leaves_a_module_that_cannot_be_exported_to_pytorch():
    module = Branching()

    with pytest.warns(RuntimeWarning, match=r"cannot run this network \(GuardOnDataDependentSymNode: .*\): PyTorch"):
        encode = encoder_accelerate(module, size=SIZE)

    assert encode is module


@pytest.mark.slow
def test_acceleration_leaves_a_module_that_onnx_gives_other_values_for_to_pytorch():
    module = Differing()

    with pytest.warns(RuntimeWarning, match=r"differs from PyTorch by 0\.01 of the greatest value.*: PyTorch runs it"):
        encode = encoder_accelerate(module, size=SIZE)

    assert encode is module


def test_acceleration_without_onnx_runtime_leaves_the_module_to_pytorch(small, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    with pytest.warns(RuntimeWarning, match=r"cannot run this network \(ModuleNotFoundError: .*onnxruntime"):
        encode = encoder_accelerate(small, size=SIZE)

    assert encode is small


def test_acceleration_silences_the_exporter_and_nobody_else(small, monkeypatch, caplog):
    def export(*_, **__):
        logging.getLogger("onnxscript.optimizer").error("a graph of a thousand lines")
        logging.getLogger("worker").warning("a photo that harms")
        raise ValueError("no")

    monkeypatch.setattr(torch.onnx, "export", export)
    levels = [logging.getLogger(name).level for name in EXPORTERS]
    with pytest.warns(RuntimeWarning):
        encoder_accelerate(small, size=SIZE)

    assert [record.name for record in caplog.records] == ["worker"]
    assert [logging.getLogger(name).level for name in EXPORTERS] == levels


@pytest.mark.slow
@pytest.mark.parametrize(("module", "lines"), [("Small", 0), ("Branching", 1)])
def test_acceleration_says_nothing_but_its_own_warning(module, lines):
    program = f"from tests.captioner.test_onnx_encoder import *; encoder_accelerate({module}().eval(), size=SIZE)"

    said = subprocess.run([sys.executable, "-c", program], cwd=BASE_DIR, capture_output=True, text=True, check=True)

    assert said.stdout == ""
    assert len(said.stderr.splitlines()) == lines
