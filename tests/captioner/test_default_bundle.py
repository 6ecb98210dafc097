"""The bundle that ships."""

from pathlib import Path

import pytest

from captioner.bundle import bundle_describe
from captioner.inference import Captioner
from captioner.preprocessing import photo_pixels

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "models" / "default"


def test_default_bundle_is_whole_and_small():
    assert bundle_describe(BUNDLE)["config"]["decoder"]["name"] == "show_attend_and_tell"
    assert sum(path.stat().st_size for path in BUNDLE.iterdir()) <= 40 * 2**20


def test_default_bundle_says_what_it_scored_and_what_it_may_be_used_for():
    described = bundle_describe(BUNDLE)

    assert described["metrics"]["validation"]["photos"] == 1000
    assert described["metrics"]["validation"]["cider"] >= 60
    assert f"{described['metrics']['validation']['cider']:.1f}" in described["card"]
    assert "non-commercial research" in described["card"]


@pytest.fixture(scope="module")
def captioner() -> Captioner:
    return Captioner.load(BUNDLE)


def test_default_bundle_says_something_else_of_each_sample_photo(captioner):
    photos = sorted((ROOT / "samples").glob("*.jpg"))
    pixels = [photo_pixels(photo, preprocessing=captioner.preprocessing) for photo in photos]

    texts = [result.text for result in captioner.caption_batch(pixels)]

    assert len(set(texts)) == len(photos) >= 4


def test_default_bundle_looks_elsewhere_for_each_word(captioner):
    pixels = photo_pixels(ROOT / "samples" / "astronaut.jpg", preprocessing=captioner.preprocessing)

    maps = captioner.caption_batch([pixels])[0].attention

    assert len({map_.tobytes() for map_ in maps}) == len(maps)
    assert maps.mean() < 120  # flat maps are all near 255
