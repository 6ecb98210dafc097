"""A worker's parts inside the test's process: the real model with a small bundle, real child processes."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from PIL import Image

from tests.bundles import bundle_make
from tests.photos import photo_store, picture
from tests.worker.caption_command import caption_lines
from webapp.captioning.models import CaptionJob, ModelVersion
from webapp.captioning.services.model_versions import (
    model_version_activate,
    model_version_register,
    model_version_verified,
)
from worker.loaded_model import LoadedModel
from worker.model_swap import ModelSlot
from worker.photo_sandbox import PhotoSandbox
from worker.running_worker import RunningWorker


@pytest.fixture(scope="session")
def photo_sandbox() -> Iterator[PhotoSandbox]:
    photo_sandbox = PhotoSandbox()
    yield photo_sandbox
    photo_sandbox.close()


@pytest.fixture(scope="session")
def loaded(tiny_bundle: Path) -> LoadedModel:
    return ModelSlot(device="cpu").load(tiny_bundle, model_version_id=0)


@pytest.fixture
def model_version(transactional_db: None, tiny_bundle: Path) -> ModelVersion:
    return model_version_make(tiny_bundle)


def model_version_make(bundle: Path) -> ModelVersion:
    """Registered, verified and active."""
    from captioner.bundle import bundle_describe

    row = model_version_register(description=bundle_describe(bundle), path=bundle, name=bundle.name)
    model_version_verified(model_version_id=row.pk)
    return model_version_activate(model_version_id=row.pk)


@pytest.fixture
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one: model versions of other tests lie elsewhere."""
    monkeypatch.setattr(settings, "MODELS_DIR", tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def own_bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """One that the test may damage."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "own"))


@pytest.fixture(scope="session")
def other_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle_make(tmp_path_factory.mktemp("bundles") / "other", seed=1)


@pytest.fixture
def deaths() -> list[str]:
    """The reasons for which the worker would have ended its process."""
    return []


@pytest.fixture
def running_worker(
    loaded: LoadedModel, model_version: ModelVersion, photo_sandbox: PhotoSandbox, deaths: list[str]
) -> Iterator[RunningWorker]:
    slot = ModelSlot(device="cpu")
    slot.swap(LoadedModel(loaded.captioner, model_version.pk))
    running_worker = RunningWorker(slot, photo_sandbox, on_fatal=deaths.append)
    yield running_worker
    running_worker.close()


@pytest.fixture
def job(user, model_version: ModelVersion) -> CaptionJob:
    """One photo that waits for its caption."""
    return photo_store(user, picture(1)).job


@pytest.fixture
def photo(tmp_path: Path) -> Callable[..., str]:
    """Writes a photo of one colour and gives its path."""

    def write(name: str, colour: str = "red") -> str:
        Image.new("RGB", (60, 40), colour).save(tmp_path / name)
        return str(tmp_path / name)

    return write


@pytest.fixture
def caption(bundle: Path) -> Callable[..., list[str]]:
    """Runs `manage.py caption` and gives its lines."""

    def run(*photos: str, **options: object) -> list[str]:
        return caption_lines(*photos, **({"bundle": bundle} | options))[0]

    return run
