"""Fixtures of the tests of evaluate_captioner: a small data set of pictures, and scoring without its slowest part."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TEXTS = ["a dog runs", "a dog on the grass"]


@pytest.fixture
def dataset(tmp_path) -> dict[str, Path]:
    """Five photos with two captions each, as the command's options."""
    images = tmp_path / "images"
    images.mkdir()
    random = np.random.default_rng(0)
    for number in range(5):
        Image.fromarray(random.integers(0, 256, (40, 60, 3), dtype=np.uint8)).save(images / f"{number}.png")
    captions = tmp_path / "captions.json"
    captions.write_text(
        json.dumps(
            {
                "images": [{"id": 10 + number, "file_name": f"{number}.png"} for number in range(5)],
                "annotations": [
                    {"id": 2 * number + k, "image_id": 10 + number, "caption": f"{text} {number}"}
                    for number in range(5)
                    for k, text in enumerate(TEXTS)
                ],
            }
        )
    )
    return {"images": images, "captions": captions}


@pytest.fixture
def quick(monkeypatch):
    """Leaves METEOR out: it takes ten seconds to start."""
    monkeypatch.setattr("training.scoring.coco_scorer._meteor_score", lambda *_: None)
