"""The frozen part of an encoder at the speed of ONNX Runtime, which on a CPU is two to four times that of PyTorch."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

TOLERANCE = 1e-3  # greatest difference from PyTorch, as a share of the greatest value


def encoder_accelerate(module: nn.Module, *, example: Tensor) -> Callable[[Tensor], Tensor]:
    """`module`, uint8 (B, 3, S, S) -> float32 (B, ...), run by ONNX Runtime on the CPU, for any B.

    It is exported here, which takes some ten seconds, and compared with `module` on random pixels. `example`: uint8
    (1, 3, S, S). Returns `module` itself, with a RuntimeWarning, where ONNX Runtime is not installed, cannot express it
    or gives something else: PyTorch is the reference.
    """
    try:
        with _quiet(), torch.inference_mode():
            encode = _session(module, example)
            difference = _difference(encode, module, example)
    except Exception as error:  # noqa: BLE001 - whatever an exporter meets in a network that it does not know
        reason = f"ONNX Runtime cannot run this encoder ({_cause(error)})"
    else:
        if difference <= TOLERANCE:
            return encode
        reason = f"ONNX Runtime differs from PyTorch by {difference:.2g} of the greatest value on this encoder"
    warnings.warn(f"{reason}: PyTorch runs it, slower.", RuntimeWarning, stacklevel=2)
    return module


def _session(module: nn.Module, example: Tensor) -> Callable[[Tensor], Tensor]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "encoder.onnx")
        torch.onnx.export(
            module,
            (example.expand(2, -1, -1, -1),),  # of one photo the exporter would make a network for one photo
            path,
            input_names=["pixels"],
            dynamic_shapes=({0: torch.export.Dim("photos")},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def encode(pixels: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {"pixels": pixels.contiguous().numpy()})[0])

    return encode


def _difference(encode: Callable[[Tensor], Tensor], module: nn.Module, example: Tensor) -> float:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (3, *example.shape[1:]), generator=generator, dtype=torch.uint8)
    wanted = module(pixels)
    return float((encode(pixels) - wanted).abs().max() / wanted.abs().max())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hides what the exporter prints, logs and warns of: each pass tells what it does, and a failure prints graphs."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
