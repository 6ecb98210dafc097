"""A model in memory, and which model version it is. The only module of the worker that imports torch.

A `LoadedModel` never changes: its captions are all from one model version. model_swap.py replaces it.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from captioner.config import Preprocessing
from captioner.inference import Captioner, CaptionResult

log = logging.getLogger(__name__)

# Words of torch's errors where it raises no OutOfMemoryError: its CPU allocator, CUDA, and CUDA's libraries.
SHORTAGES = ("can't allocate memory", "out of memory", "ALLOC_FAILED")


class ModelOutOfMemory(Exception):
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
            ModelOutOfMemory: try fewer at once.
        """
        try:
            return self.captioner.caption_batch(images)
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise ModelOutOfMemory(str(error)) from error
        except RuntimeError as error:
            if any(shortage in str(error) for shortage in SHORTAGES):
                raise ModelOutOfMemory(str(error)) from error
            raise

    def check(self, *, photos: int = 1) -> None:
        """Caption grey pictures: raises if the model itself is broken, independently of photos."""
        size = self.preprocessing.size
        self.caption_batch([np.full((size, size, 3), 128, dtype=np.uint8)] * photos)

    def warm_up(self, photos: int) -> None:
        """After `check`: let a GPU capture each batch size that it fills batches of at most `photos` up to.

        A size that does not fit into its memory is no error here: such a batch is halved when it comes.
        """
        for size in range(1, (photos - 1).bit_length() + 1):
            count = min(1 << size, photos)
            try:
                self.check(photos=count)
            except (ModelOutOfMemory, RuntimeError) as error:  # a failed capture does not say that memory ran out
                log.warning("the device does not take %d photos at once: %s", count, error)
                return


def batch_size(device: str) -> int:
    """Photos in one micro-batch, if the settings do not say otherwise.

    Few, because an interactive photo may have to wait for a whole micro-batch. The number for a CPU is tuned (*tuning*
    in benchmarks/RESULTS.md). On a GPU a photo takes half as long in a batch of 64 as in one of 16.
    """
    return 64 if device.startswith("cuda") else 16


def device_resolve(device: str) -> str:
    """`auto` becomes cuda where there is a GPU, else cpu."""
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


def device_name(device: str) -> str:
    """For people: `cpu`, or the graphics card's name."""
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.startswith("cuda") else device
