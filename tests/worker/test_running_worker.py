"""A running worker does as its settings say."""

from collections.abc import Iterator

import numpy as np
import pytest
from pytest_django import Settings

from tests.worker.test_batcher import RecordingModel
from webapp.captioning.models import ModelVersion
from worker import __main__ as main
from worker.loaded_model import LoadedModel
from worker.model_swap import ModelSlot
from worker.photo_sandbox import PhotoSandbox
from worker.running_worker import RunningWorker


@pytest.fixture
def slot(
    loaded: LoadedModel, model_version: ModelVersion, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> ModelSlot:
    """The slot of a worker that is told to caption two photos at once."""
    slots: list[ModelSlot] = []
    monkeypatch.setattr(main, "worker_run", slots.append)
    settings.ENV = settings.ENV | {"FOVEA_WORKER_MAX_BATCH": 2}
    main.main()
    slots[0].swap(LoadedModel(loaded.captioner, model_version.pk))
    return slots[0]


@pytest.fixture
def running_worker(slot: ModelSlot, photo_sandbox: PhotoSandbox, deaths: list[str]) -> Iterator[RunningWorker]:
    running_worker = RunningWorker(slot, photo_sandbox, on_fatal=deaths.append)
    yield running_worker
    running_worker.close()


def test_worker_captions_as_many_photos_at_once_as_the_settings_say(running_worker: RunningWorker) -> None:
    model = RecordingModel()
    model.gate.clear()
    image = np.zeros((1, 1, 3), dtype=np.uint8)
    futures = [running_worker.batcher.submit(image, model=model, interactive=False) for _ in range(6)]
    model.gate.set()

    for future in futures:
        future.result(timeout=10)

    assert max(map(len, model.batches)) == 2
