"""The ONNX export: a PyTorch module is exported once, kept on disk, and compared with PyTorch before it is used."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

EXPORTERS = ("onnx_ir", "onnxscript", "torch")  # the roots of their loggers
TOLERANCE = 1e-3  # greatest allowed difference from PyTorch, as a share of the greatest value


class EngineUnfit(Exception):
    """This engine cannot run the model here, or its results differ from PyTorch's. The message says which."""


class Session:
    """Calls an exported module with tensors, in the order of `names`; returns tensors."""

    def __init__(self, path: Path, names: list[str], *, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # A thread that spins between two calls takes the core from the process that decodes the next photo.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # errors
        self._names = names
        self._session: InferenceSession = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        arrays = (tensor.detach().contiguous().numpy() for tensor in tensors)
        return tuple(map(torch.from_numpy, self._session.run(None, dict(zip(self._names, arrays, strict=True)))))


class _Call(nn.Module):
    """The module with a variable number of inputs: the form that the exporter takes dynamic shapes for."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        outputs: Tensor | tuple[Tensor, ...] = self.module(*inputs)
        return outputs


def session_create(
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    *,
    sizes: Mapping[str, tuple[str, ...]],
    threads: int,
    exports: Path | None = None,
) -> Session:
    """`module` (tensors to a tuple of tensors) by ONNX Runtime on the CPU.

    `inputs`: sample inputs, of size two or more along each dimension that varies. `sizes`: for each input the names of
    its first dimensions, those that vary; dimensions of one name have one size. `exports`: the folder where exports are
    kept, named by a digest of all weights; None: a temporary one. An export takes some seconds. Raises EngineUnfit.
    """
    with contextlib.ExitStack() as stack:
        if exports is None:
            exports = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            with torch.inference_mode():
                path = exports / f"{_digest(module, inputs)}.onnx"
                return _opened(path, module, inputs, threads) or _exported(path, module, inputs, sizes, threads)
        except EngineUnfit:
            raise
        except Exception as error:  # the exporter raises nearly anything for a network that it does not know
            raise EngineUnfit(f"ONNX Runtime cannot run this network ({_cause(error)})") from error


def _opened(path: Path, module: nn.Module, inputs: Mapping[str, Tensor], threads: int) -> Session | None:
    """The session of an earlier export; None where there is none, or it is damaged or was made by other code."""
    if not path.exists():
        return None
    try:
        session = Session(path, list(inputs), threads=threads)
        return session if _difference(session, module, inputs) <= TOLERANCE else None
    except Exception:  # noqa: BLE001 - ONNX Runtime has no base class of its errors
        return None


def _exported(
    path: Path, module: nn.Module, inputs: Mapping[str, Tensor], sizes: Mapping[str, tuple[str, ...]], threads: int
) -> Session:
    dimensions = {name: torch.export.Dim(name) for names in sizes.values() for name in names}
    dynamic = tuple({place: dimensions[name] for place, name in enumerate(sizes[key])} for key in inputs)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(suffix=".partial", dir=path.parent)
    os.close(handle)
    try:
        with _quiet():
            torch.onnx.export(
                _Call(module),
                tuple(inputs.values()),
                temporary,
                input_names=list(inputs),
                dynamic_shapes=(dynamic,),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        session = Session(Path(temporary), list(inputs), threads=threads)
        difference = _difference(session, module, inputs)
        if not difference <= TOLERANCE:  # NaN fails too
            raise EngineUnfit(
                f"ONNX Runtime differs from PyTorch by {difference:.2g} of the greatest value on this network"
            )
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return session


def _difference(session: Session, module: nn.Module, inputs: Mapping[str, Tensor]) -> float:
    """The greatest difference from PyTorch, for all photos of `inputs` and for the first alone."""
    differences = []
    for photos in (None, 1):
        tensors = [tensor[:photos] for tensor in inputs.values()]
        wanted = module(*tensors)
        pairs = zip(session(*tensors), [wanted] if isinstance(wanted, Tensor) else wanted, strict=True)
        differences += [(got - want).abs().max() / want.abs().max() for got, want in pairs if want.numel()]
    return float(torch.stack(differences).max())


def _digest(module: nn.Module, inputs: Mapping[str, Tensor]) -> str:
    import onnxruntime

    told = [type(module).__qualname__, torch.__version__, onnxruntime.__version__]
    shapes = [(name, str(tensor.dtype), *tensor.shape[1:]) for name, tensor in inputs.items()]
    digest = hashlib.sha256(json.dumps([told, shapes]).encode())
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hides what the exporter prints, logs and warns: each pass reports itself, and a failure prints whole graphs."""
    loggers = {logger: logger.level for logger in map(logging.getLogger, EXPORTERS)}
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)  # the exporter's alone: a worker logs on while another model is exported
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in loggers.items():
            logger.setLevel(level)


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
