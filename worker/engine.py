"""The loaded model, and which model version it is. The only module of the worker that imports torch.

A `LoadedModel` never changes, so whoever holds one knows which model version its captions are from. A hot swap loads
the next one beside it and then replaces `Engine.current`; photos that are already decoded for the former keep it.
"""

import gc
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from captioner.config import Preprocessing
from captioner.inference import Captioner, CaptionResult

log = logging.getLogger(__name__)

# What torch says of memory where it raises no OutOfMemoryError: its CPU allocator, CUDA, and CUDA's libraries.
SHORTAGES = ("can't allocate memory", "out of memory", "ALLOC_FAILED")


class EngineOutOfMemory(Exception):
    """The device's memory does not hold this batch; a smaller one may fit."""


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """One model version in memory."""

    captioner: Captioner
    model_version_id: int

    @property
    def preprocessing(self) -> Preprocessing:
        return self.captioner.preprocessing

    def caption_batch(self, images: Sequence[np.ndarray]) -> list[CaptionResult]:
        """Caption uint8 (S, S, 3) arrays.

        Raises:
            EngineOutOfMemory: try fewer at once.
        """
        try:
            return self.captioner.caption_batch(images)
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise EngineOutOfMemory(str(error)) from error
        except RuntimeError as error:
            if any(shortage in str(error) for shortage in SHORTAGES):
                raise EngineOutOfMemory(str(error)) from error
            raise

    def check(self, *, photos: int = 1) -> None:
        """Caption grey pictures: raises if the engine itself is broken, whatever the photos."""
        size = self.preprocessing.size
        self.caption_batch([np.full((size, size, 3), 128, dtype=np.uint8)] * photos)

    def warm_up(self, photos: int) -> None:
        """After `check`: has a GPU capture each size that it fills micro-batches of at most `photos` up to, or as many
        as it holds. One that does not fit is no error yet: such a batch is halved when it comes."""
        for size in range(1, (photos - 1).bit_length() + 1):
            count = min(1 << size, photos)
            try:
                self.check(photos=count)
            except (EngineOutOfMemory, RuntimeError) as error:  # a capture cut short tells nothing of memory
                log.warning("the device does not take %d photos at once: %s", count, error)
                return


def batch_size(device: str) -> int:
    """Photos in one micro-batch unless the settings say otherwise: few, since a photo that a person waits for may have
    to wait for a whole one. That of a CPU is tuned (*tuning* in benchmarks/RESULTS.md); of a GPU, it is known that a
    photo takes half as long in one of 64 as in one of 16."""
    return 64 if device.startswith("cuda") else 16


class Engine:
    """The model in use on one device.

    Args:
        device: auto, cpu, cuda or cuda:N.
        max_batch: photos in one micro-batch at most; 0: as many as the device wants.
        exports: a folder for ONNX Runtime's networks; None: PyTorch runs.
    """

    def __init__(self, *, device: str, max_batch: int = 0, exports: Path | None = None) -> None:
        self.device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        self.max_batch = max_batch or batch_size(self.device)
        self.current: LoadedModel | None = None
        self._exports = exports

    def load(self, directory: Path, *, model_version_id: int) -> LoadedModel:
        """Load and try a bundle beside the current one. Slow; any thread may do it.

        Raises:
            BundleError: the bundle is missing, corrupt or incompatible.
        """
        model = LoadedModel(Captioner.load(directory, device=self.device, exports=self._exports), model_version_id)
        model.check()
        if self.device.startswith("cuda"):
            model.warm_up(self.max_batch)  # or the first photos would wait for it
        return model

    def swap(self, model: LoadedModel) -> None:
        """Use this one from now on."""
        former, self.current = self.current, model
        if former is not None:
            log.info("model version %d replaces %d", model.model_version_id, former.model_version_id)
            del former
            gc.collect()


def device_name(device: str) -> str:
    """For people: `cpu`, or the graphics card's name."""
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.startswith("cuda") else device
