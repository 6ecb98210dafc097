"""A test that really learns."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from captioner.inference import Captioner
from captioner.preprocessing import photo_pixels
from tests.training.datasets import captions_write
from tests.training.small_runs import OPTIONS
from training.run.start_and_resume import captioner_train
from training.run_folder.data_sources import DataSources
from training.run_folder.folder import RunFolder

COLOURS = {"red": (220, 30, 30), "green": (30, 180, 30), "blue": (30, 30, 220), "white": (240, 240, 240)}
SHAPES = ("circle", "bar", "cross", "corner")


def picture(shape: str, colour: tuple[int, int, int], *, wall: int = 90) -> Image.Image:
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    drawn = {
        "circle": x**2 + y**2 < 0.5,
        "bar": abs(y) < 0.25,
        "cross": (abs(x) < 0.2) | (abs(y) < 0.2),
        "corner": (x < 0) & (y < 0),
    }[shape]
    return Image.fromarray(np.where(drawn[..., None], np.array(colour), wall).astype(np.uint8))


@pytest.mark.slow
@pytest.mark.parametrize("decoder", ["show_attend_and_tell", "show_and_tell", "tutorial"])
def test_training_on_sixteen_pictures_says_all_sixteen_back(decoder, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")  # no Java: its scores are not what is tested
    said = {}
    for folder, wall in (("train", 90), ("val", 96)):  # the same pictures in other light choose the best epoch
        (tmp_path / folder).mkdir()
        images, annotations = [], []
        for number, (shape, colour) in enumerate((shape, colour) for shape in SHAPES for colour in COLOURS):
            name = f"{folder}-{number}.png"
            picture(shape, COLOURS[colour], wall=wall).save(tmp_path / folder / name)
            images.append({"id": number, "file_name": name})
            said[number] = f"A {colour} {shape} on a grey wall."
            annotations.append({"id": number, "image_id": number, "caption": said[number]})
        captions_write(tmp_path / folder / "captions.json", {"images": images, "annotations": annotations})
    options = replace(
        OPTIONS,
        decoder=decoder,
        batch_photos=4,
        embedding=48,
        hidden=64,
        annotation=48,
        dropout=0.0,
        views=1,
        decoder_epochs=100,
        label_smoothing=0.0,
        averaging=0.0,
        penalty=0.0,
        schedule="constant",
        decoder_rate=5e-3,
        beam=1,
        consensus=0.0,
    )

    captioner_train(
        RunFolder(tmp_path / "run"),
        options=options,
        sources=DataSources(
            (tmp_path / "train" / "captions.json",),
            (tmp_path / "val" / "captions.json",),
            (tmp_path / "train", tmp_path / "val"),
        ),
        device="cpu",
        report=lambda line: None,
    )

    captioner = Captioner.load(tmp_path / "run" / "bundle")
    pixels = [
        photo_pixels(tmp_path / "train" / f"train-{number}.png", preprocessing=captioner.preprocessing)
        for number in said
    ]
    assert {number: result.text for number, result in zip(said, captioner.caption_batch(pixels), strict=True)} == said
