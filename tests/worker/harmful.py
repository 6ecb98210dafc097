"""Photos through a worker's hands, and a decoder that comes to harm whatever it opens."""

from pathlib import Path
from typing import Any

import numpy as np

from webapp.photos.models import Photo
from webapp.processes.sandbox import Sandbox
from worker.captioning import photos_caption
from worker.runtime import Runtime


class HarmfulDecoder:
    """A real child process that ends whatever file it opens."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = (function, *arguments)
        self._sandbox = Sandbox(processes=1, timeout=0.5, memory_mb=1024)

    def pixels(self, path: Path, *, preprocessing: object) -> np.ndarray:
        function, *arguments = self._call
        result: np.ndarray = self._sandbox.run(function, *arguments)
        return result


def caption_all(runtime: Runtime, *photos: Photo) -> None:
    photos_caption(runtime, job_ids=[photo.job.pk for photo in photos])
    for photo in photos:
        photo.job.refresh_from_db()
