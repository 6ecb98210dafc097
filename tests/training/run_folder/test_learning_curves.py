"""The curves of a run."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.training.tiny_models import record
from training.epoch.epoch_record import EpochRecord
from training.run_folder.learning_curves import curves_png

GREEN, BLUE, VERMILION = (0x00, 0x9E, 0x73), (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)  # CIDEr, validation, training
LONG = [record(epoch=epoch, train_loss=5 - epoch / 50, cider=epoch / 5) for epoch in range(1, 121)]
STAGES = [record(stage=stage, epoch=epoch) for stage in ("decoder", "encoder", "self_critical") for epoch in (1, 2)]


def drawn(records: list[EpochRecord]) -> np.ndarray:
    """The picture: uint8 (H, W, 3)."""
    picture = Image.open(io.BytesIO(curves_png(records)))
    assert picture.format == "PNG"
    return np.asarray(picture.convert("RGB"))


def places(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Columns of the pixels of a colour."""
    return np.nonzero((pixels == colour).all(-1).any(0))[0]


@pytest.mark.parametrize("records", [LONG[:1], LONG, STAGES], ids=["one epoch", "many epochs", "three stages"])
def test_curves_are_a_picture_of_losses_and_scores(records):
    pixels = drawn(records)

    assert pixels.shape == (840, 960, 3)
    for colour in (GREEN, BLUE, VERMILION):
        assert places(pixels, colour).size > 0


def test_curves_of_many_epochs_fill_the_width():
    columns = places(drawn(LONG), GREEN)

    assert columns.max() - columns.min() > 700


def test_curves_without_scores_are_of_losses_alone():
    pixels = drawn([record(epoch=epoch, cider=None) for epoch in (1, 2, 3)])

    assert places(pixels, GREEN).size == 0
    assert places(pixels, BLUE).size > 0


def test_curves_leave_out_the_epoch_without_a_score():
    whole = drawn([record(epoch=epoch, cider=20.0) for epoch in range(1, 6)])
    broken = drawn([record(epoch=epoch, cider=None if epoch == 3 else 20.0) for epoch in range(1, 6)])

    assert 0 < places(broken, GREEN).size < places(whole, GREEN).size


def test_curves_mark_the_epoch_of_the_lower_loss_among_those_with_the_same_score():
    falling = [record(epoch=epoch, cider=0.0, validation_loss=5.0 - epoch) for epoch in (1, 2, 3)]
    rising = [record(epoch=epoch, cider=0.0, validation_loss=5.0 + epoch) for epoch in (1, 2, 3)]

    assert _ring(drawn(falling)) > 480 > _ring(drawn(rising))


def _ring(pixels: np.ndarray) -> float:
    """The mean column of what is black in the field of the scores, within its frame: the ring and its words."""
    dark = (pixels[440:760, 100:930] < 60).all(-1)
    return 100 + float(np.nonzero(dark)[1].mean())


def test_curves_tell_scores_that_do_not_compare():
    comparable, fallback = (drawn([record(comparable=flag)]) for flag in (True, False))

    assert (comparable != fallback).any()
