"""A photo sandbox that every file harms, and photos captioned by a worker in process."""

from pathlib import Path
from typing import Any

import numpy as np

from webapp.photos.models import Photo
from webapp.processes.sandbox import Sandbox
from worker.caption_pipeline import photos_caption
from worker.running_worker import RunningWorker


class HarmfulSandbox:
    """Runs a harmful function in a real child process instead of opening the file."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = (function, *arguments)
        self._sandbox = Sandbox(processes=1, timeout=0.5, memory_mb=1024)

    def pixels(self, path: Path, *, preprocessing: object) -> np.ndarray:
        function, *arguments = self._call
        result: np.ndarray = self._sandbox.run(function, *arguments)
        return result


def caption_all(running_worker: RunningWorker, *photos: Photo) -> None:
    photos_caption(running_worker, job_ids=[photo.job.pk for photo in photos])
    for photo in photos:
        photo.job.refresh_from_db()
