"""A module of PyTorch as a session of ONNX Runtime: exported once, kept on disk, compared with what it stands for."""

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
TOLERANCE = 1e-3  # greatest difference from PyTorch, as a share of the greatest value


class SessionUnfit(Exception):
    """ONNX Runtime is not installed, cannot express the module or gives something else; the message says which."""


class Session:
    """Calls an exported module: tensors in, in the order in which they were named, tensors out."""

    def __init__(self, path: Path, names: list[str], *, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # A thread that spins between two calls takes the core from whoever decodes the next photo.
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
    """The module with inputs of any number, which is what dynamic shapes are then told for."""

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
    """`module`, of `inputs` to a tuple of tensors, by ONNX Runtime on the CPU.

    `inputs`: what it is tried with, two or more along each dimension that varies. `sizes`: the names of those
    dimensions of each input, the first ones; what has one name has one size. An export takes some seconds; `exports` is
    a folder in which it is kept, by a digest of all weights. Raises SessionUnfit.
    """
    with contextlib.ExitStack() as stack:
        if exports is None:
            exports = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            with torch.inference_mode():
                path = exports / f"{_digest(module, inputs)}.onnx"
                return _opened(path, module, inputs, threads) or _exported(path, module, inputs, sizes, threads)
        except SessionUnfit:
            raise
        except Exception as error:  # whatever an exporter meets in a network that it does not know
            raise SessionUnfit(f"ONNX Runtime cannot run this network ({_cause(error)})") from error


def _opened(path: Path, module: nn.Module, inputs: Mapping[str, Tensor], threads: int) -> Session | None:
    """What was exported before, unless it is damaged or of other code than this."""
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
        if not difference <= TOLERANCE:  # NaN is no better
            raise SessionUnfit(
                f"ONNX Runtime differs from PyTorch by {difference:.2g} of the greatest value on this network"
            )
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return session


def _difference(session: Session, module: nn.Module, inputs: Mapping[str, Tensor]) -> float:
    """The greatest one, also for a single photo."""
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
    """Hides what the exporter prints, logs and warns of: each pass tells what it does, and a failure prints graphs."""
    loggers = {logger: logger.level for logger in map(logging.getLogger, EXPORTERS)}
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)  # not all logging: a worker goes on while another model is exported
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
