"""The loaded model: its captions, how many photos it takes at once, and its error when the device is full."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from captioner.inference import CaptionResult
from worker.loaded_model import LoadedModel, ModelOutOfMemory, batch_size
from worker.model_swap import ModelSlot


def test_model_captions_like_the_captioner(loaded: LoadedModel) -> None:
    size = loaded.preprocessing.size
    images = [np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8) for seed in range(3)]
    texts = [result.text for result in loaded.caption_batch(images)]
    assert texts == [result.text for result in loaded.captioner.caption_batch(images)]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
    ids=["python", "allocator", "cpu", "cuda", "cublas"],
)
def test_model_tells_every_kind_of_memory_shortage(
    loaded: LoadedModel, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def caption_batch(images: object) -> None:
        raise error

    monkeypatch.setattr(loaded.captioner, "caption_batch", caption_batch)
    with pytest.raises(ModelOutOfMemory):
        loaded.check()


@pytest.fixture
def counts(loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of photos that the model was given at once. It takes four at most."""
    counted: list[int] = []
    caption = loaded.captioner.caption_batch

    def caption_batch(images: Sequence[np.ndarray]) -> list[CaptionResult]:
        counted.append(len(images))
        if len(images) > 4:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")
        return caption(images)

    monkeypatch.setattr(loaded.captioner, "caption_batch", caption_batch)
    return counted


@pytest.mark.parametrize(("photos", "captured"), [(1, []), (2, [2]), (3, [2, 3]), (4, [2, 4]), (64, [2, 4, 8])])
def test_model_warms_up_with_each_size_that_a_gpu_fills_up_to_and_that_fits(
    photos: int, captured: list[int], loaded: LoadedModel, counts: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    loaded.warm_up(photos)

    assert counts == captured
    assert ("does not take 8 photos at once: CUDA error: operation failed" in caplog.text) == (photos == 64)


@pytest.mark.parametrize(("device", "max_batch", "tried"), [("cuda:0", 3, [1, 2, 3]), ("cpu", 3, [1])])
def test_model_captures_every_size_before_a_gpu_takes_photos(
    device: str,
    max_batch: int,
    tried: list[int],
    loaded: LoadedModel,
    counts: list[int],
    tiny_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("worker.model_swap.Captioner.load", lambda *_, **__: loaded.captioner)  # there may be no GPU

    ModelSlot(device=device, max_batch=max_batch).load(tiny_bundle, model_version_id=1)

    assert counts == tried


@pytest.mark.parametrize(("device", "photos"), [("cpu", 16), ("cuda", 64), ("cuda:1", 64)])
def test_model_takes_as_many_photos_at_once_as_its_device_wants(device: str, photos: int) -> None:
    assert batch_size(device) == ModelSlot(device=device).max_batch == photos
    assert ModelSlot(device=device, max_batch=7).max_batch == 7


def test_model_passes_other_errors_on(loaded: LoadedModel) -> None:
    with pytest.raises(ValueError, match="uint8"):
        loaded.caption_batch([np.zeros((1, 1, 3), dtype=np.uint8)])
