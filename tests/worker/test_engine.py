"""The loaded model: what it says, how many photos it takes at once, and what it tells of a device that is full."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from captioner.errors import BundleIncompatible
from captioner.inference import CaptionResult
from worker.engine import EngineOutOfMemory, LoadedModel, batch_size


def test_engine_captions_like_the_captioner(loaded: LoadedModel) -> None:
    size = loaded.preprocessing.size
    images = [np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8) for seed in range(3)]
    texts = [result.text for result in loaded.caption_batch(images)]
    assert texts == [result.text for result in loaded.captioner.caption_batch(images)]


@pytest.mark.parametrize(
    "error",
    [MemoryError(), torch.OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: can't allocate memory")],
    ids=["python", "cuda", "cpu"],
)
def test_engine_tells_every_kind_of_memory_shortage(
    loaded: LoadedModel, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def caption_batch(images: object) -> None:
        raise error

    monkeypatch.setattr(loaded.captioner, "caption_batch", caption_batch)
    with pytest.raises(EngineOutOfMemory):
        loaded.check()


def test_engine_warms_up_with_each_power_of_two_that_fits(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    counts: list[int] = []
    caption = loaded.captioner.caption_batch

    def caption_batch(images: Sequence[np.ndarray]) -> list[CaptionResult]:
        counts.append(len(images))
        if len(images) > 4:
            raise torch.OutOfMemoryError("CUDA")
        return caption(images)

    monkeypatch.setattr(loaded.captioner, "caption_batch", caption_batch)
    loaded.warm_up(3)
    loaded.warm_up(64)

    assert counts == [1, 2, 1, 2, 4, 8]
    assert "out of memory with 8 photos at once" in caplog.text


@pytest.mark.parametrize(("device", "photos"), [("cpu", 16), ("cuda", 64), ("cuda:1", 64)])
def test_engine_takes_as_many_photos_at_once_as_its_device_wants(device: str, photos: int) -> None:
    assert batch_size(device) == photos


def test_engine_passes_other_errors_on(loaded: LoadedModel) -> None:
    with pytest.raises(ValueError, match="uint8"):
        loaded.caption_batch([np.zeros((1, 1, 3), dtype=np.uint8)])
    with pytest.raises(BundleIncompatible, match="99"):
        raise BundleIncompatible("99")
