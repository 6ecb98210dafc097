"""The feature cache: what is computed, kept, and never served stale."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from captioner.config import EncoderConfig, Preprocessing, WeightsReference
from captioner.encoders import Encoder
from tests.training.datasets import dataset_write
from training.data.coco import captioned_photos
from training.data.features import features_cached
from training.errors import DatasetError

SQUARES = Preprocessing(size=64)
CONFIG = EncoderConfig("efficientnet_lite0", WeightsReference("file", "x", "1"), 3)


class Counting(torch.nn.Module):
    """A body of the least work: the mean colour of each 32 x 32 square. Counts the photos that it saw."""

    photos = 0

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        self.photos += len(pixels)
        return torch.nn.functional.avg_pool2d(pixels, 32)


@pytest.fixture
def body() -> Counting:
    return Counting()


@pytest.fixture
def photos(tmp_path) -> list[Path]:
    return [photo.path for photo in captioned_photos(dataset_write(tmp_path), images=tmp_path / "images")]


def cached(photos: list[Path], body: Counting, directory: Path, **changes: object) -> np.ndarray:
    options = {"config": CONFIG, "preprocessing": SQUARES, "mirrored": False} | changes
    encoder = Encoder(body, preprocessing=SQUARES)
    return features_cached(photos, encoder=encoder, directory=directory, **options)  # type: ignore[arg-type]


def test_features_are_those_of_the_encoder_row_for_row(photos, body, tmp_path):
    features = cached(photos, body, tmp_path / "cache")

    assert features.shape == (4, 4, 3)
    assert features.dtype == np.float16
    assert features[:, 0].tolist() == [[1, -1, -1], [-1, -1, 1], [1, 1, 1], [-1, -1, -1]]


def test_features_are_computed_once(photos, body, tmp_path):
    first = cached(photos, body, tmp_path / "cache")

    again = cached(photos, body, tmp_path / "cache")

    assert body.photos == len(photos)
    assert np.array_equal(first, again)


def test_features_of_mirrored_photos_are_those_of_the_mirror_image(tmp_path, body):
    from PIL import Image

    image = Image.new("RGB", (64, 64), "red")
    image.paste("blue", (32, 0, 64, 64))
    image.save(tmp_path / "half.png")

    plain = cached([tmp_path / "half.png"], body, tmp_path / "cache")
    mirrored = cached([tmp_path / "half.png"], body, tmp_path / "cache", mirrored=True)

    assert np.array_equal(plain[0, [1, 0, 3, 2]], mirrored[0])
    assert not np.array_equal(plain, mirrored)


def _photo_changed(photos: list[Path]) -> None:
    shutil.copy(photos[0], photos[1])


def _photo_touched(photos: list[Path]) -> None:
    os.utime(photos[1], ns=(1, 1))


def _photo_less(photos: list[Path]) -> None:
    photos.pop()


def _photos_swapped(photos: list[Path]) -> None:
    photos.reverse()


@pytest.mark.parametrize("change", [_photo_changed, _photo_touched, _photo_less, _photos_swapped])
def test_features_are_computed_anew_when_photos_change(change, photos, body, tmp_path):
    cached(photos, body, tmp_path / "cache")
    before = body.photos

    change(photos)
    features = cached(photos, body, tmp_path / "cache")

    assert body.photos == before + len(photos)
    assert np.array_equal(features, cached(photos, Counting(), tmp_path / "other"))


@pytest.mark.parametrize(
    "changes",
    [
        {"config": EncoderConfig("efficientnet_lite1", CONFIG.weights, 3)},
        {"config": EncoderConfig("efficientnet_lite0", WeightsReference("file", "x", "2"), 3)},
        {"preprocessing": Preprocessing(size=64, resize="crop")},
    ],
)
def test_features_are_computed_anew_when_the_model_changes(changes, photos, body, tmp_path):
    cached(photos, body, tmp_path / "cache")

    cached(photos, body, tmp_path / "cache", **changes)

    assert body.photos == 2 * len(photos)


def test_features_that_were_cut_short_are_computed_anew(photos, body, tmp_path):
    photos[-1].write_bytes(b"broken")
    with pytest.raises(DatasetError):
        cached(photos, body, tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.float16"))

    shutil.copy(photos[0], photos[-1])

    assert len(cached(photos, body, tmp_path / "cache")) == 4


def test_features_of_a_photo_that_cannot_be_read_name_it(photos, body, tmp_path):
    photos[2].write_bytes(b"broken")

    with pytest.raises(DatasetError, match=r"white-0\.png.*take it out"):
        cached(photos, body, tmp_path / "cache")
