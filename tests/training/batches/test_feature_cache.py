"""The feature cache: what is computed, kept, and never served stale."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from captioner.config import Preprocessing
from tests.disks import full_disk
from tests.training.datasets import SAYINGS, dataset_write
from training.batches import feature_cache
from training.batches.feature_cache import features_cached
from training.errors import DatasetError

SQUARES = Preprocessing(size=64)


class Counting(torch.nn.Module):
    """A trunk of the least work: the mean colour of each 32 x 32 square, in -1..1. Counts the photos that it saw."""

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(weight))
        self.photos = 0

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        if not torch.compiler.is_exporting():
            self.photos += len(pixels)
        return torch.nn.functional.avg_pool2d(self.weight * (pixels.float() / 127.5 - 1), 32)


class Stopped(Exception):
    """By the user."""


class StopAfter:
    """A check that raises once, at the call after the first `batches`."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def __call__(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Stopped


@pytest.fixture
def body() -> Counting:
    return Counting()


@pytest.fixture
def photos(tmp_path) -> list[Path]:
    """Red, blue, white and black."""
    dataset_write(tmp_path)
    return [tmp_path / "images" / f"{colour}-0.png" for colour in SAYINGS]


@pytest.fixture
def many(tmp_path) -> list[Path]:
    """40 photos: two whole batches and half a one."""
    generator = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.png" for number in range(40)]
    for path in paths:
        Image.fromarray(generator.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path)
    return paths


def cached(photos: list[Path], body: torch.nn.Module, directory: Path, **changes: object) -> np.ndarray:
    """The first view."""
    options = {"preprocessing": SQUARES} | changes
    return features_cached(photos, trunk=body, directory=directory, **options)[0]  # type: ignore[arg-type]


def states(folder: Path) -> dict[str, int]:
    """Files, and when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_features_are_those_of_the_trunk_row_for_row(photos, body, tmp_path):
    rows = cached(photos, body, tmp_path / "cache")

    assert rows.shape == (4, 3, 2, 2)
    assert rows[:, :, 0, 0].tolist() == [[1, -1, -1], [-1, -1, 1], [1, 1, 1], [-1, -1, -1]]


def test_features_are_mapped_from_disk_in_half_precision(photos, body, tmp_path):
    rows = cached(photos, body, tmp_path / "cache")

    assert isinstance(rows, np.memmap)
    assert rows.dtype == np.float16
    assert not rows.flags.writeable
    assert [path.stat().st_size for path in (tmp_path / "cache").iterdir()] == [4 * 3 * 2 * 2 * 2]


def test_features_of_a_trunk_that_passes_pixels_on_are_pixels(photos, tmp_path):
    rows = cached(photos, torch.nn.Identity(), tmp_path / "cache")

    assert rows.shape == (4, 3, 64, 64)
    assert rows.dtype == np.uint8
    assert rows[0, :, 5, 5].tolist() == [255, 0, 0]


def test_features_are_computed_once(photos, body, tmp_path):
    first = cached(photos, body, tmp_path / "cache")
    written, seen = states(tmp_path / "cache"), body.photos

    again = cached(photos, body, tmp_path / "cache")

    assert np.array_equal(first, again)
    assert states(tmp_path / "cache") == written
    assert body.photos == seen + 1  # one picture without content, for the shape


def test_features_of_more_views_keep_those_that_are_there(photos, body, tmp_path):
    cached(photos, body, tmp_path / "cache")
    written = states(tmp_path / "cache")

    cached(photos, body, tmp_path / "cache", views=3)

    assert len(states(tmp_path / "cache")) == 3
    assert written.items() <= states(tmp_path / "cache").items()


def test_features_of_the_second_view_are_those_of_the_mirror_image(many, body, tmp_path):
    plain, mirrored = features_cached(many, trunk=body, preprocessing=SQUARES, directory=tmp_path / "cache", views=2)

    assert np.array_equal(plain[:, :, :, ::-1], mirrored)
    assert not np.array_equal(plain, mirrored)


@pytest.mark.slow
def test_features_of_many_photos_are_computed_by_onnx_runtime_to_the_same_values(many, body, tmp_path, monkeypatch):
    wanted = cached(many, Counting(), tmp_path / "eager")
    monkeypatch.setattr(feature_cache, "ACCELERATED", len(many))

    rows = cached(many, body, tmp_path / "cache")

    assert np.allclose(rows, wanted, atol=1e-3)
    assert body.photos < len(many)  # the shape, and what the two are compared on


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


def test_features_stop_when_the_check_raises_and_keep_what_is_done(many, body, tmp_path):
    with pytest.raises(Stopped):
        cached(many, body, tmp_path / "cache", check=StopAfter(2))

    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".partial"]


@pytest.mark.parametrize("torn", [0, 5, 24 * 3 + 5])
def test_features_that_were_stopped_go_on_where_they_were(torn, many, body, tmp_path):
    with pytest.raises(Stopped):
        cached(many, body, tmp_path / "cache", check=StopAfter(2))
    with next((tmp_path / "cache").iterdir()).open("ab") as file:
        file.write(b"x" * torn)  # as if killed in the middle of a batch
    seen = body.photos

    rows = cached(many, body, tmp_path / "cache")

    assert body.photos == seen + 1 + 8
    assert np.array_equal(rows, cached(many, Counting(), tmp_path / "other"))
    assert list(states(tmp_path / "cache")) == list(states(tmp_path / "other"))


def test_features_that_two_runs_want_at_once_are_computed_once(many, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        bodies = [Counting(), Counting()]
        first, second = pool.map(lambda body: cached(many, body, tmp_path / "cache"), bodies)

    assert np.array_equal(first, cached(many, Counting(), tmp_path / "other"))
    assert np.array_equal(first, second)
    assert sum(body.photos for body in bodies) == len(many) + 2
    assert list(states(tmp_path / "cache")) == list(states(tmp_path / "other"))


def test_features_that_the_disk_cannot_hold_say_how_much_they_need(many, body, tmp_path):
    with full_disk(24 * 20), pytest.raises(DatasetError, match=r"could not be kept in .*cache .* GB a view: make room"):
        cached(many, body, tmp_path / "cache")


def test_features_go_on_when_the_disk_has_room_again(many, body, tmp_path):
    with full_disk(24 * 20), pytest.raises(DatasetError):
        cached(many, body, tmp_path / "cache")

    rows = cached(many, body, tmp_path / "cache")

    assert np.array_equal(rows, cached(many, Counting(), tmp_path / "other"))


def test_features_in_a_folder_that_cannot_be_made_name_it(photos, body, tmp_path):
    (tmp_path / "cache").write_text("no folder")

    with pytest.raises(DatasetError, match=r"could not be kept in .*cache .*--features"):
        cached(photos, body, tmp_path / "cache")


def test_features_of_a_photo_that_cannot_be_read_name_it(photos, body, tmp_path):
    photos[2].write_bytes(b"broken")

    with pytest.raises(DatasetError, match=r"white-0\.png.*--skip-bad"):
        cached(photos, body, tmp_path / "cache")
