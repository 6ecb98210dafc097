"""The model gate: the bundle that ships still captions real photos as well as its metrics say."""

import json
from pathlib import Path

import pytest

from training.data.dataset import dataset_read, photos_sample
from training.scoring.bundle_evaluation import bundle_evaluate

BUNDLE = Path(__file__).resolve().parents[2] / "models" / "default"
PHOTOS = 200
TOLERANCE = 3  # CIDEr points: rounding differs between machines, a fault in preprocessing or search costs far more


@pytest.fixture(scope="module")
def gate() -> dict[str, float]:
    """What the bundle scored when it was made: {"photos", "beam", "cider"} of metrics.json."""
    figures: dict[str, float] = json.loads((BUNDLE / "metrics.json").read_text())["gate"]
    return figures


def test_gate_figure_is_of_the_photos_that_the_gate_scores(gate):
    assert gate["photos"] == PHOTOS


@pytest.mark.slow
def test_default_bundle_scores_what_its_metrics_say(shared_folder, java, gate):
    photos = shared_folder / "flickr8k"
    if not photos.is_dir():
        pytest.skip(f"{photos.name}/ with captioned photos is not in {shared_folder.name}/")

    validation = dataset_read([photos / "captions_val.json"], images=[photos / "images"]).photos

    evaluation = bundle_evaluate(
        BUNDLE, photos=photos_sample(validation, limit=PHOTOS), beam=int(gate["beam"]), focus=True
    )

    assert len(evaluation.photos) == PHOTOS
    assert evaluation.scores.cider >= gate["cider"] - TOLERANCE
    assert evaluation.faults.function_word_endings <= 0.01
    assert evaluation.faults.repeating_captions == 0
    assert evaluation.faults.distinct >= 0.75
    assert evaluation.focus is not None
    assert evaluation.focus.peak >= 5
    assert evaluation.focus.distance >= 0.3
