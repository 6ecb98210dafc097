"""The feature cache: what is computed, kept, and never served stale."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from captioner.config import Preprocessing
from tests.training.datasets import dataset_write
from training.data.coco import dataset_read
from training.data.features import features_cached
from training.errors import DatasetError

SQUARES = Preprocessing(size=64)


class Counting(torch.nn.Module):
    """A trunk of the least work: the mean colour of each 32 x 32 square, in -1..1. Counts the photos that it saw."""

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(weight))
        self.photos = -1  # one picture is tried for its shape

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        self.photos += len(pixels)
        return torch.nn.functional.avg_pool2d(self.weight * (pixels.float() / 127.5 - 1), 32)


class Passing(torch.nn.Module):
    """The trunk of an encoder that learns as a whole."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels


@pytest.fixture
def body() -> Counting:
    return Counting()


@pytest.fixture
def photos(tmp_path) -> list[Path]:
    return [photo.path for photo in dataset_read([dataset_write(tmp_path)], images=[tmp_path / "images"]).photos]


def cached(photos: list[Path], body: torch.nn.Module, directory: Path, **changes: object) -> np.ndarray:
    options = {"preprocessing": SQUARES} | changes
    return features_cached(photos, trunk=body, directory=directory, **options)  # type: ignore[arg-type]


def test_features_are_those_of_the_trunk_row_for_row(photos, body, tmp_path):
    features = cached(photos, body, tmp_path / "cache")

    assert features.shape == (4, 3, 2, 2)
    assert features.dtype == np.float16
    assert features[:, :, 0, 0].tolist() == [[1, -1, -1], [-1, -1, 1], [1, 1, 1], [-1, -1, -1]]


def test_features_of_a_trunk_that_passes_pixels_on_are_pixels(photos, tmp_path):
    features = cached(photos, Passing(), tmp_path / "cache")

    assert features.shape == (4, 3, 64, 64)
    assert features.dtype == np.uint8
    assert features[0, :, 5, 5].tolist() == [255, 0, 0]


def test_features_are_computed_once(photos, body, tmp_path):
    first = cached(photos, body, tmp_path / "cache")

    again = cached(photos, body, tmp_path / "cache")

    assert body.photos == len(photos) - 1 + 1
    assert np.array_equal(first, again)


def test_features_of_mirrored_photos_are_those_of_the_mirror_image(tmp_path, body):
    from PIL import Image

    image = Image.new("RGB", (64, 64), "red")
    image.paste("blue", (32, 0, 64, 64))
    image.save(tmp_path / "half.png")

    plain = cached([tmp_path / "half.png"], body, tmp_path / "cache")
    mirrored = cached([tmp_path / "half.png"], body, tmp_path / "cache", view=1)

    assert np.array_equal(plain[0, :, :, ::-1], mirrored[0])
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

    change(photos)
    features = cached(photos, body, tmp_path / "cache")

    assert len(list((tmp_path / "cache").iterdir())) == 2
    assert np.array_equal(features, cached(photos, Counting(), tmp_path / "other"))


@pytest.mark.parametrize(
    ("weight", "changes"), [(0.5, {}), (1.0, {"preprocessing": Preprocessing(size=64, resize="crop")})]
)
def test_features_are_computed_anew_when_the_model_changes(weight, changes, photos, body, tmp_path):
    first = cached(photos, body, tmp_path / "cache")

    again = cached(photos, Counting(weight), tmp_path / "cache", **changes)

    assert len(list((tmp_path / "cache").iterdir())) == 2
    assert np.array_equal(again, first * weight)


class Stopped(Exception):
    pass


def test_features_that_were_stopped_go_on_where_they_were(photos, tmp_path, body):
    many = [shutil.copy(photos[0], tmp_path / "images" / f"{number}.png") for number in range(40)]
    checks = iter([None, None])

    def stop() -> None:
        if next(checks, "over") == "over":
            raise Stopped

    with pytest.raises(Stopped):
        cached(many, body, tmp_path / "cache", check=stop)
    partial = next((tmp_path / "cache").glob("*.partial"))
    with partial.open("ab") as file:
        file.write(b"torn")  # as if killed in the middle of a row
    other = Counting()
    features = cached(many, other, tmp_path / "cache")

    assert other.photos <= 8 + 2  # the last 8, and a probe or two
    assert np.array_equal(features, cached(many, Counting(), tmp_path / "other"))
    assert not list((tmp_path / "cache").glob("*.partial"))


def test_features_that_the_disk_cannot_hold_say_how_much_they_need(photos, body, tmp_path):
    (tmp_path / "cache").write_text("no folder")

    with pytest.raises(DatasetError, match=r"could not be kept in .* GB a view: make room"):
        cached(photos, body, tmp_path / "cache")


def test_features_of_a_photo_that_cannot_be_read_name_it(photos, body, tmp_path):
    photos[2].write_bytes(b"broken")

    with pytest.raises(DatasetError, match=r"white-0\.png.*--skip-bad"):
        cached(photos, body, tmp_path / "cache")
