"""The model on a GPU: half precision, channels_last, encoder and decoder step each replayed as a captured CUDA graph.

The encoder is some two hundred kernels, a step of the search some forty. Most run faster than Python can launch them. A
CUDA graph launches all of them at once, but only for one shape and the same places in memory (PyTorch's notes on CUDA,
"CUDA Graphs"). So a batch is filled up to the next power of two, and each such size is captured on first use.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from captioner.engines.pytorch_reference import PyTorchEngine
from captioner.lstm_decoders import Decoder, DecoderState

WARM_UP = 3  # calls before a capture; in these, libraries choose their kernels and allocate what they keep

_Function = Callable[..., tuple[Tensor, ...]]
_CAPTURING = threading.Lock()  # a process captures one graph at a time, even while it loads another model


class CudaEngine:
    """A copy of the modules of `reference` in half precision, on the same device.

    On a CPU nothing is captured; all else is the same.
    """

    def __init__(self, reference: PyTorchEngine) -> None:
        encoder, decoder = copy.deepcopy(reference.encoder).half(), copy.deepcopy(reference.decoder).half()
        head = None if reference.head is None else copy.deepcopy(reference.head).half()
        self._sees = head is not None
        self._start = partial(_start, PyTorchEngine(encoder, decoder, head))
        self._step = partial(_step, decoder)
        self._captured: dict[tuple[_Function, int, int], _Captured] = {}

    def start(self, photos: Tensor, /) -> tuple[DecoderState, Tensor | None]:
        *memory, hidden, cell, scores = self._run(self._start, photos, captions=1)
        return DecoderState(tuple(memory), hidden, cell), scores if self._sees else None

    def step(self, state: DecoderState, tokens: Tensor, /) -> tuple[Tensor, Tensor, DecoderState]:
        given = tokens, state.hidden, state.cell, *state.memory
        logs, attention, hidden, cell = self._run(self._step, *given, captions=tokens.shape[1])
        return logs, attention, DecoderState(state.memory, hidden, cell)

    def _run(self, function: _Function, *given: Tensor, captions: int) -> Sequence[Tensor]:
        shape = 1 << (len(given[0]) - 1).bit_length(), captions
        if (function, *shape) not in self._captured:
            self._captured[function, *shape] = _Captured(function, given, photos=shape[0])
        return self._captured[function, *shape](given)


def _start(engine: PyTorchEngine, photos: Tensor) -> tuple[Tensor, ...]:
    """Without an object head the last tensor stands for its scores and is empty."""
    state, scores = engine.start(photos)
    return *state.memory, state.hidden, state.cell, photos.new_zeros(len(photos), 0) if scores is None else scores


def _step(decoder: Decoder, tokens: Tensor, hidden: Tensor, cell: Tensor, *memory: Tensor) -> tuple[Tensor, ...]:
    logs, attention, after = decoder.step(DecoderState(memory, hidden, cell), tokens)
    return logs, attention, after.hidden, after.cell


class _Captured:
    """A function from tensors (B, ...) to tensors (B, ...), for any B up to `photos`. `like` gives the other sizes."""

    def __init__(self, function: _Function, like: Sequence[Tensor], *, photos: int) -> None:
        self._function = function
        self._places = [part.new_zeros(photos, *part.shape[1:]) for part in like]
        self._graph: torch.cuda.CUDAGraph | None = None
        if like[0].device.type == "cuda":
            self._capture(like[0].device)

    def __call__(self, given: Sequence[Tensor]) -> list[Tensor]:
        count = len(given[0])
        for place, part in zip(self._places, given, strict=True):
            place[:count] = part
        if self._graph is None:
            self._run()
        else:
            self._graph.replay()
        # Copies: the next replay writes into the same places.
        return [part[:count].clone() for part in self._results]

    def _run(self) -> None:
        self._results = self._function(*self._places)

    def _capture(self, device: torch.device) -> None:
        with _CAPTURING, torch.cuda.device(device), torch.cuda.stream(torch.cuda.current_stream(device)):
            # The outer `stream` context restores the current stream after a capture that fails.
            beside: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            beside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(beside):
                for _ in range(WARM_UP):
                    self._run()
            torch.cuda.current_stream().wait_stream(beside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # other threads may use the device
                self._run()
        self._graph = graph
