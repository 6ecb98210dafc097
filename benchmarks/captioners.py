"""The same `Captioner` as the worker has, for what it is compared with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a stack's children import what the benchmark does, into little memory
    from captioner.inference import Captioner

EXPORTS = "FOVEA_CACHE_DIR"  # in the environment of all processes of a benchmark: an export is made once for all


def captioner_load(bundle: str | Path, *, device: str) -> Captioner:
    from captioner.inference import Captioner

    return Captioner.load(bundle, device=device, exports=Path(os.environ[EXPORTS]))
