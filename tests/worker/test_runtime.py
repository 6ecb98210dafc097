"""What a worker is made of: by its settings, and which workers a new one knows to be dead."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from pytest_django import Settings

from tests.worker.test_batcher import RecordingModel
from webapp.captioning.models import ModelVersion
from worker import __main__ as main
from worker.decoding import Decoder
from worker.engine import Engine, LoadedModel
from worker.runtime import Runtime, worker_dead, worker_name

HOST = socket.gethostname()


def test_worker_is_dead_when_its_process_of_this_host_is_gone() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert worker_dead(f"{HOST}:{ended.pid}")


def test_worker_is_dead_that_had_the_number_of_this_very_process_before_it() -> None:
    assert worker_dead(worker_name())


def test_worker_is_not_known_to_be_dead_while_its_process_runs() -> None:
    assert not worker_dead(f"{HOST}:{os.getppid()}")


def test_worker_of_another_host_is_not_known_to_be_dead() -> None:
    assert not worker_dead("elsewhere:1")
    assert not worker_dead("")


@pytest.fixture
def engine(
    loaded: LoadedModel, model_version: ModelVersion, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Engine:
    """That of a worker which is told to caption two photos at once."""
    engines: list[Engine] = []
    monkeypatch.setattr(main, "work", engines.append)
    settings.ENV = settings.ENV | {"FOVEA_WORKER_MAX_BATCH": 2}
    main.main()
    engines[0].swap(LoadedModel(loaded.captioner, model_version.pk))
    return engines[0]


@pytest.fixture
def runtime(engine: Engine, decoder: Decoder, deaths: list[str]) -> Iterator[Runtime]:
    runtime = Runtime(engine, decoder, on_fatal=deaths.append)
    yield runtime
    runtime.close()


def test_worker_captions_as_many_photos_at_once_as_the_settings_say(runtime: Runtime) -> None:
    model = RecordingModel()
    model.gate.clear()
    image = np.zeros((1, 1, 3), dtype=np.uint8)
    futures = [runtime.batcher.submit(image, model=model, interactive=False) for _ in range(6)]
    model.gate.set()

    for future in futures:
        future.result(timeout=10)

    assert max(map(len, model.batches)) == 2
