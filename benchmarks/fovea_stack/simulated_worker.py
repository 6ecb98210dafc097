"""`python -m benchmarks.fovea_stack.simulated_worker MILLISECONDS`: the product's worker with a simulated model.

A micro-batch of any size takes so many milliseconds and no processor time, and gives every photo the same caption. All
else is real: leases, files decoded in child processes, the micro-batcher, rows.
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from worker.worker_start import worker_run
from worker.worker_stop import process_leave

if TYPE_CHECKING:
    import numpy as np

    from captioner.inference import CaptionResult

TEXT = "A dog runs through the grass near a fence."
GRID = 7  # places in a row that the default model attends to


def main(milliseconds: str) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    import django

    django.setup()
    from django.conf import settings

    from captioner.bundle import bundle_load
    from worker.loaded_model import LoadedModel
    from worker.model_swap import ModelSlot

    result = _result()

    class SimulatedDevice:
        """The model slot takes it for a Captioner."""

        def __init__(self, directory: Path) -> None:
            self.preprocessing = bundle_load(directory).config.preprocessing

        def caption_batch(self, images: "Sequence[np.ndarray]") -> "list[CaptionResult]":
            time.sleep(float(milliseconds) / 1000)
            return [result for _ in images]

    class SimulatedSlot(ModelSlot):
        def load(self, directory: Path, *, model_version_id: int) -> LoadedModel:
            return LoadedModel(SimulatedDevice(directory), model_version_id)  # type: ignore[arg-type]

    return worker_run(SimulatedSlot(device="cpu", max_batch=settings.ENV["FOVEA_WORKER_MAX_BATCH"]))


def _result() -> "CaptionResult":
    import numpy as np

    from captioner.inference import Alternative, CaptionResult, Word

    words = tuple(Word(word, -1.0) for word in TEXT.lower().rstrip(".").split())
    attention = np.random.default_rng(1).integers(0, 256, (len(words), GRID, GRID), dtype=np.uint8)
    others = tuple(Alternative(f"{number}: {TEXT}", 0.3) for number in range(5))
    return CaptionResult(TEXT, words, 0.4, others, attention)


if __name__ == "__main__":
    process_leave(main(*sys.argv[1:]))
