"""Opens photo files in child processes: a file may crash, hang or bloat its child, and the worker goes on."""

from pathlib import Path

import numpy as np
from django.conf import settings

from captioner.config import Preprocessing
from webapp.processes.sandbox import Sandbox
from worker.child_processes.photo_reader import photo_open


class PhotoSandbox:
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
            SandboxError: the file harmed its child process, or no child could be started.
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
