"""The model on a GPU: half precision, channels_last, and each step of the search replayed from a captured graph.

A step is some forty kernels, most of which take less time to run than Python takes to launch. A CUDA graph launches all
of them at once, but for one shape and from the same places in memory each time (PyTorch's notes on CUDA, "CUDA
Graphs"): so photos are filled up to the next power of two, and each such size is captured when it is first met.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from captioner.decoders import Decoder, DecoderState
from captioner.engines.pytorch import PyTorchEngine

WARM_UP = 3  # calls before a capture, in which libraries choose their kernels and allocate what they keep


class CudaEngine:
    """The modules of `reference` in half precision, on the device that they are on; those themselves are not changed.

    On a CPU nothing is captured, and all the rest is the same.
    """

    def __init__(self, reference: PyTorchEngine) -> None:
        self._encoder = copy.deepcopy(reference.encoder).half()
        self._decoder = copy.deepcopy(reference.decoder).half()
        self._steps: dict[tuple[int, int], _Step] = {}

    def start(self, photos: Tensor, /) -> DecoderState:
        count = len(photos)
        filled = photos.new_zeros(_size(count), *photos.shape[1:])
        filled[:count] = photos
        state = self._decoder.start(self._encoder(filled))
        return state.keep(torch.arange(count, device=photos.device))

    def step(self, state: DecoderState, tokens: Tensor, /) -> tuple[Tensor, Tensor, DecoderState]:
        shape = _size(len(tokens)), tokens.shape[1]
        if shape not in self._steps:
            self._steps[shape] = _Step(self._decoder, state, photos=shape[0], captions=shape[1])
        return self._steps[shape](state, tokens)


class _Step:
    """A step of `photos` photos with `captions` captions each, for as many as there are or fewer."""

    def __init__(self, decoder: Decoder, like: DecoderState, *, photos: int, captions: int) -> None:
        device = like.hidden.device
        self._decoder = decoder
        self._state = DecoderState(
            tuple(part.new_zeros(photos, *part.shape[1:]) for part in like.memory),
            *(part.new_zeros(photos, captions, part.shape[-1]) for part in (like.hidden, like.cell)),
        )
        self._tokens = torch.zeros(photos, captions, dtype=torch.int64, device=device)
        self._graph: torch.cuda.CUDAGraph | None = None
        if device.type == "cuda":
            self._capture(device)

    def __call__(self, state: DecoderState, tokens: Tensor) -> tuple[Tensor, Tensor, DecoderState]:
        count = len(tokens)
        for place, part in zip(self._state.memory, state.memory, strict=True):
            place[:count] = part
        self._state.hidden[:count], self._state.cell[:count], self._tokens[:count] = state.hidden, state.cell, tokens
        if self._graph is None:
            self._run()
        else:
            self._graph.replay()
        # Copies: the next replay writes into the same places.
        logs, attention, hidden, cell = (part[:count].clone() for part in self._given)
        return logs, attention, DecoderState(state.memory, hidden, cell)

    def _run(self) -> None:
        logs, attention, after = self._decoder.step(self._state, self._tokens)
        self._given = logs, attention, after.hidden, after.cell

    def _capture(self, device: torch.device) -> None:
        with torch.cuda.device(device):
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


def _size(photos: int) -> int:
    """The next power of two."""
    return 1 << (photos - 1).bit_length()
