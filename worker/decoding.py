"""Untrusted files are opened here, in child processes that import no torch."""

from pathlib import Path

import numpy as np
from django.conf import settings

from captioner.config import Preprocessing
from webapp.processes.sandbox import Sandbox
from worker.opening import photo_open


class Decoder:
    def __init__(self) -> None:
        self._sandbox = Sandbox(
            processes=settings.ENV["FOVEA_DECODE_PROCESSES"],
            timeout=settings.ENV["FOVEA_DECODE_TIMEOUT_SECONDS"],
            memory_mb=settings.ENV["FOVEA_DECODE_MEMORY_MB"],
        )

    def pixels(self, path: Path, *, preprocessing: Preprocessing) -> np.ndarray:
        """The model's input, uint8 (size, size, 3).

        Raises:
            PhotoError: the file is no photo that can be decoded.
            SandboxError: it harmed the process that opened it.
        """
        return self._sandbox.run(
            photo_open,
            path,
            preprocessing=preprocessing,
            max_bytes=settings.UPLOAD_MAX_BYTES,
            max_pixels=settings.UPLOAD_MAX_PIXELS,
        )

    def close(self) -> None:
        self._sandbox.close()
