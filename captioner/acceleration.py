"""The frozen part of an encoder at the speed of ONNX Runtime, which on a CPU is two to four times that of PyTorch."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

TOLERANCE = 1e-3  # greatest difference from PyTorch, as a share of the greatest value


def encoder_accelerate(module: nn.Module, *, example: Tensor) -> Callable[[Tensor], Tensor]:
    """`module`, uint8 (B, 3, S, S) -> float32 (B, ...), run by ONNX Runtime on the CPU, for any B.

    It is exported here and compared with `module` on random pixels. `module` itself, where ONNX Runtime is not
    installed, cannot express it, or says something else: PyTorch is the reference.
    """
    try:
        session = _session(module, example)
    except Exception as error:  # whatever an exporter meets in a network that it does not know
        warnings.warn(f"ONNX Runtime cannot run this encoder, PyTorch does ({error}).", RuntimeWarning, stacklevel=2)
        return module

    def encode(pixels: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {"pixels": pixels.contiguous().numpy()})[0])

    generator = torch.Generator().manual_seed(0)
    probe = torch.randint(0, 256, (2, *example.shape[1:]), generator=generator, dtype=torch.uint8)
    with torch.inference_mode():
        wanted = module(probe)
    difference = float((encode(probe) - wanted).abs().max() / wanted.abs().max())
    if not difference <= TOLERANCE:
        warnings.warn(
            f"ONNX Runtime differs from PyTorch by {difference:.2g} on this encoder; PyTorch runs it.",
            RuntimeWarning,
            stacklevel=2,
        )
        return module
    return encode


def _session(module: nn.Module, example: Tensor) -> Any:
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "encoder.onnx")
        _export(module, example, path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _export(module: nn.Module, example: Tensor, path: Path) -> None:
    for name in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(name).setLevel(logging.ERROR)  # each pass of theirs tells what it does
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.inference_mode():
        warnings.simplefilter("ignore")  # of the exporter's own code
        torch.onnx.export(
            module,
            (example.expand(2, -1, -1, -1),),
            path,
            input_names=["pixels"],
            dynamic_shapes=({0: torch.export.Dim("photos")},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
