"""Loads the same `Captioner` as the worker's, for the programs that Fovea is compared with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a stack's children import this module too, and have little memory
    from captioner.inference import Captioner

EXPORTS = "FOVEA_CACHE_DIR"  # an environment variable of all processes of a benchmark: they share one ONNX export


def captioner_load(bundle: str | Path, *, device: str) -> Captioner:
    from captioner.inference import Captioner

    return Captioner.load(bundle, device=device, exports=Path(os.environ[EXPORTS]))
