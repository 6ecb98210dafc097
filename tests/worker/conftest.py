"""A worker's parts inside the test's process: the real engine with a small bundle, real decoding children."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.photos import photo_store, picture
from tests.worker.captions import caption_lines
from webapp.captioning.models import CaptionJob, ModelVersion
from webapp.captioning.services.model_versions import (
    model_version_activate,
    model_version_register,
    model_version_verified,
)
from worker.decoding import Decoder
from worker.engine import Engine, LoadedModel
from worker.runtime import Runtime


@pytest.fixture(scope="session")
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


@pytest.fixture(scope="session")
def loaded(tiny_bundle: Path) -> LoadedModel:
    return Engine(device="cpu").load(tiny_bundle, model_version_id=0)


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
def deaths() -> list[str]:
    """The reasons for which the worker would have ended its process."""
    return []


@pytest.fixture
def runtime(loaded: LoadedModel, model_version: ModelVersion, decoder: Decoder, deaths: list[str]) -> Iterator[Runtime]:
    engine = Engine(device="cpu")
    engine.swap(LoadedModel(loaded.captioner, model_version.pk))
    runtime = Runtime(engine, decoder, on_fatal=deaths.append)
    yield runtime
    runtime.close()


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
