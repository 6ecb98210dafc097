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
            if "can't allocate memory" in str(error):  # what torch's CPU allocator raises
                raise EngineOutOfMemory(str(error)) from error
            raise

    def check(self, *, photos: int = 1) -> None:
        """Caption grey pictures: raises if the engine itself is broken, whatever the photos."""
        size = self.preprocessing.size
        self.caption_batch([np.full((size, size, 3), 128, dtype=np.uint8)] * photos)

    def warm_up(self, photos: int) -> None:
        """Has a GPU capture each size that it fills micro-batches of at most `photos` up to, or as many as it holds."""
        count = 1
        while count <= photos:
            try:
                self.check(photos=count)
            except EngineOutOfMemory:
                log.warning("out of memory with %d photos at once", count)
                return
            count *= 2


def batch_size(device: str) -> int:
    """Photos in one micro-batch unless the settings say otherwise: as few as keep the device busy (*tuning* in
    benchmarks/RESULTS.md), since a photo that a person waits for may have to wait for a whole one."""
    return 64 if device.startswith("cuda") else 16


class Engine:
    """The model in use on one device."""

    def __init__(self, *, device: str, exports: Path | None = None) -> None:
        """`device`: auto, cpu, cuda or cuda:N. `exports`: a folder for ONNX Runtime's networks; None: PyTorch runs."""
        self.device = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
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
            model.warm_up(batch_size(self.device))  # or the first photos would wait for it
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
