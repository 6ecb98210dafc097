"""The model run by ONNX Runtime on the CPU.

On two cores it encodes two to three times as fast as eager PyTorch. A step of the search takes half to two thirds of
the time. ONNX Runtime lays out the weights once, not at every product. What a step computes of a word alone is looked
up in a table.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from captioner.engines.onnx_export import EngineUnfit, Session, session_create
from captioner.engines.pytorch_reference import PyTorchEngine
from captioner.lstm_decoders import Decoder, DecoderState
from captioner.vocabulary import START


class OnnxRuntimeEngine:
    """`beginning`: photos -> the parts of the first state. `advance`: these parts and tokens -> a step's result.

    `sees`: whether the scores of the object head come behind the parts.
    """

    def __init__(self, beginning: Session, advance: Session, *, sees: bool) -> None:
        self._beginning, self._advance, self._sees = beginning, advance, sees

    def start(self, photos: Tensor, /) -> tuple[DecoderState, Tensor | None]:
        parts = self._beginning(photos)
        return (_state(parts[:-1]), parts[-1]) if self._sees else (_state(parts), None)

    def step(self, state: DecoderState, tokens: Tensor, /) -> tuple[Tensor, Tensor, DecoderState]:
        logs, attention, hidden, cell = self._advance(*_parts(state), tokens)
        return logs, attention, DecoderState(state.memory, hidden, cell)


def engine_accelerate(engine: PyTorchEngine, *, size: int, threads: int, exports: Path | None) -> OnnxRuntimeEngine:
    """The same model by ONNX Runtime, for photos of `size` pixels. `exports`: see captioner.engines.onnx_export.

    Raises EngineUnfit where ONNX Runtime cannot run it or differs from PyTorch.
    """
    pixels = _noise(size)
    with torch.inference_mode():
        parts = _parts(engine.start(pixels)[0].select(torch.zeros(len(pixels), 2, dtype=torch.int64)))
    names = [*(f"memory{index}" for index in range(len(parts) - 2)), "hidden", "cell", "tokens"]
    inputs = dict(zip(names, (*parts, torch.full((len(pixels), 2), START)), strict=True))
    sizes = {name: ("photos",) if name.startswith("memory") else ("photos", "captions") for name in names}
    return OnnxRuntimeEngine(
        session_create(
            _Beginning(engine), {"photos": pixels}, sizes={"photos": ("photos",)}, threads=threads, exports=exports
        ),
        session_create(_Advance(engine.decoder), inputs, sizes=sizes, threads=threads, exports=exports),
        sees=engine.head is not None,
    )


def encoder_accelerate(module: nn.Module, *, size: int, exports: Path | None = None) -> Callable[[Tensor], Tensor]:
    """`module`, uint8 (B, 3, S, S) -> float32 (B, ...), run by ONNX Runtime on the CPU, for any B.

    `size`: S. `exports`: see captioner.engines.onnx_export. Where ONNX Runtime cannot run `module`, warns
    (RuntimeWarning) and returns `module` itself.
    """
    pixels, sizes = _noise(size), {"photos": ("photos",)}
    try:
        session = session_create(
            module, {"photos": pixels}, sizes=sizes, threads=torch.get_num_threads(), exports=exports
        )
    except EngineUnfit as error:
        warnings.warn(f"{error}: PyTorch runs it, slower.", RuntimeWarning, stacklevel=2)
        return module
    return lambda photos: session(photos)[0]


def _noise(size: int) -> Tensor:
    """uint8 (3, 3, S, S)"""
    return torch.randint(0, 256, (3, 3, size, size), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def _parts(state: DecoderState) -> tuple[Tensor, ...]:
    return (*state.memory, state.hidden, state.cell)


def _state(parts: tuple[Tensor, ...]) -> DecoderState:
    *memory, hidden, cell = parts
    return DecoderState(tuple(memory), hidden, cell)


class _Beginning(nn.Module):
    """uint8 (B, 3, S, S) -> the parts of the state before the first word, and the scores of an object head."""

    def __init__(self, engine: PyTorchEngine) -> None:
        super().__init__()
        self.encoder, self.decoder, self.head = engine.encoder, engine.decoder, engine.head
        self._start = engine.start

    def forward(self, photos: Tensor) -> tuple[Tensor, ...]:
        state, scores = self._start(photos)
        return _parts(state) if scores is None else (*_parts(state), scores)


class _Advance(nn.Module):
    """Parts of a state and tokens (B, K) -> log-probabilities, attention, hidden, cell."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder
        with torch.no_grad():
            self.tables = nn.ParameterList(
                nn.Parameter(table, requires_grad=False) for table in decoder.spoken(decoder.embedding.weight)
            )

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        *parts, tokens = inputs
        spoken = (F.embedding(tokens, table) for table in self.tables)
        logs, attention, state = self.decoder.advance(_state(tuple(parts)), *spoken)
        return logs, attention, state.hidden, state.cell
