"""`manage.py add_object_head`, with a small real bundle."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from captioner.bundle import bundle_describe
from captioner.inference import Captioner
from captioner.preprocessing import photo_pixels
from tests.training.datasets import dataset_write


def added(bundle: Path, folder: Path, destination: Path, **options: object) -> dict:
    captions = dataset_write(folder, copies=2)
    out = io.StringIO()
    call_command(
        "add_object_head",
        bundle,
        destination,
        images=folder / "images",
        captions=captions,
        calibration_images=[folder / "images"],
        calibration_captions=[captions],
        validation_images=folder / "images",
        validation_captions=captions,
        json=True,
        stdout=out,
        **options,
    )
    found: dict = json.loads(out.getvalue())
    return found


@pytest.fixture(scope="module")
def seeing(bundle, tmp_path_factory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("seeing")
    return folder / "bundle", added(bundle, folder, folder / "bundle")


def test_bundle_with_a_head_is_whole_and_another_version(bundle, seeing):
    made, found = seeing
    described = bundle_describe(made)

    assert described["version"] != bundle_describe(bundle)["version"]
    assert described["config"]["objects"]["temperature"] == found["temperature"]
    assert described["metrics"]["objects"] == found
    assert described["metrics"]["validation"]["photos"] == 8
    assert "What its classifier sees" in described["card"]


def test_bundle_with_a_head_captions_and_tells_objects(seeing, tmp_path):
    made, _ = seeing
    captioner = Captioner.load(made)
    sample = Path(__file__).resolve().parents[3] / "samples" / "chelsea.jpg"

    result = captioner.caption_batch([photo_pixels(sample, preprocessing=captioner.preprocessing)])[0]

    assert result.text
    assert all(0.1 <= each.probability <= 1 for each in result.objects)
    assert len(result.objects) <= 5


def test_bundle_with_a_head_says_the_same_by_onnx_runtime(seeing, tmp_path):
    made, _ = seeing
    pixels = [photo_pixels(path, preprocessing=Captioner.load(made).preprocessing) for path in _samples()]

    slow, fast = (Captioner.load(made, exports=exports).caption_batch(pixels) for exports in (None, tmp_path))

    assert [result.text for result in fast] == [result.text for result in slow]
    assert [[each.word for each in result.objects] for result in fast] == [
        [each.word for each in result.objects] for result in slow
    ]


def test_bundle_is_never_written_over(bundle, tmp_path):
    with pytest.raises(CommandError, match="exists already"):
        added(bundle, tmp_path, tmp_path)


def _samples() -> list[Path]:
    return sorted((Path(__file__).resolve().parents[3] / "samples").glob("*.jpg"))
