"""The training loop: it learns, keeps the best, and goes on where it was stopped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from captioner.config import DecoderConfig, DecodingDefaults
from captioner.vocabulary import caption_text, caption_tokens
from tests.training.datasets import SAYINGS
from training.data.coco import CaptionedPhoto
from training.data.vocabulary_builder import vocabulary_build
from training.errors import CheckpointError
from training.learning.loop import LoopOptions, Trainer, TrainingSet

SIZES = DecoderConfig(embedding=24, hidden=24, annotation=24, attention=8, dropout=0.1)
OPTIONS = LoopOptions(epochs=3, batch_photos=2, learning_rate=0.01, averaging=0.5, label_smoothing=0.0)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return tmp_path / "work" / "checkpoint.pt"


def photos(times: int = 1) -> TrainingSet:
    """One photo for each saying, told apart by random features; one caption each, so that it can be learnt."""
    features = np.random.default_rng(1).normal(size=(len(SAYINGS), 4, 6)).astype(np.float16)
    captioned = [CaptionedPhoto(i, Path(colour), (texts[0],)) for i, (colour, texts) in enumerate(SAYINGS.items())]
    return TrainingSet(captioned * times, [np.tile(features, (times, 1, 1))])


def trainer(checkpoint: Path, times: int = 1, **changes: object) -> Trainer:
    texts = [text for photo in photos().photos for text in photo.captions]
    options = {"options": OPTIONS, "decoder": SIZES, "vocabulary": vocabulary_build(texts, threshold=1)} | changes
    return Trainer(
        train=photos(times),
        validation=photos(),
        decoding=DecodingDefaults(beam=2, max_words=10),
        checkpoint=checkpoint,
        **options,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("kind", ["show_attend_and_tell", "show_and_tell"])
def test_training_learns_what_is_said_of_each_photo(kind, checkpoint):
    options = replace(OPTIONS, epochs=4, learning_rate=0.03)
    made = trainer(checkpoint, options=options, decoder=replace(SIZES, name=kind, dropout=0.0), times=20)

    made.run(report=lambda line: None)

    wanted = {photo.id: caption_text(caption_tokens(photo.captions[0])) for photo in photos().photos}
    assert made.captions(made.best_decoder()) == wanted


def test_training_reports_every_epoch(checkpoint):
    lines: list[str] = []
    made = trainer(checkpoint)

    made.run(report=lines.append)

    assert [line.split()[:2] for line in lines if line.startswith("epoch")] == [
        ["epoch", "1/3"],
        ["epoch", "2/3"],
        ["epoch", "3/3"],
    ]
    assert [record.epoch for record in made.history] == [1, 2, 3]
    assert made.history[2].train_loss < made.history[0].train_loss


def test_training_stopped_and_resumed_ends_where_it_would_have(checkpoint, tmp_path):
    whole = trainer(tmp_path / "whole.pt")
    whole.run(report=lambda line: None)

    class Stopped(Exception):
        pass

    def stop_after_one(line: str) -> None:
        if line.startswith("epoch  1"):
            raise Stopped

    with pytest.raises(Stopped):
        trainer(checkpoint).run(report=stop_after_one)
    resumed = trainer(checkpoint)
    resumed.resume()
    resumed.run(report=lambda line: None)

    assert [record.train_loss for record in resumed.history] == [record.train_loss for record in whole.history]
    for key, value in whole.decoder.state_dict().items():
        assert torch.equal(resumed.decoder.state_dict()[key], value)


def test_training_keeps_the_weights_of_the_best_epoch(checkpoint):
    made = trainer(checkpoint)
    made.run(report=lambda line: None)
    best = made.best_decoder().state_dict()

    with torch.no_grad():
        made.average.bias.add_(100)  # an epoch that ruined everything

    assert made.best_record().validation_loss == min(record.validation_loss for record in made.history)
    assert all(torch.equal(value, best[key]) for key, value in made.best_decoder().state_dict().items())


def test_training_can_go_on_for_more_epochs_than_it_was_started_with(checkpoint):
    trainer(checkpoint).run(report=lambda line: None)
    longer = trainer(checkpoint, options=replace(OPTIONS, epochs=4))

    longer.resume()
    longer.run(report=lambda line: None)

    assert len(longer.history) == 4


def test_training_does_not_resume_without_a_checkpoint(checkpoint):
    with pytest.raises(CheckpointError, match="Start without --resume"):
        trainer(checkpoint).resume()


@pytest.mark.parametrize("content", [b"", b"text", b"\x80\x04N."])
def test_training_does_not_resume_from_another_kind_of_file(content, checkpoint):
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(content)

    with pytest.raises(CheckpointError, match="cannot be read"):
        trainer(checkpoint).resume()


def test_training_does_not_resume_with_other_settings(checkpoint):
    trainer(checkpoint, options=replace(OPTIONS, epochs=1)).run(report=lambda line: None)

    with pytest.raises(CheckpointError, match="other settings: decoder"):
        trainer(checkpoint, decoder=replace(SIZES, hidden=25)).resume()


def test_training_in_half_precision_learns_too(checkpoint):
    made = trainer(checkpoint, options=replace(OPTIONS, precision="bfloat16", epochs=4))

    made.run(report=lambda line: None)

    assert made.history[-1].train_loss < made.history[0].train_loss - 0.2


def test_training_learning_rate_warms_up_and_falls_to_nothing(checkpoint):
    made = trainer(checkpoint, options=replace(OPTIONS, epochs=10))

    rates = [made._rate(step) for step in range(10 * made.steps_per_epoch)]

    assert rates.index(max(rates)) == made.steps_per_epoch - 1
    assert max(rates) == 1
    assert rates[-1] < 0.05


def test_training_looks_at_every_view_of_a_photo(checkpoint):
    made = trainer(checkpoint)
    plain, mirrored = np.zeros((2, 1, 1), np.float16), np.ones((2, 1, 1), np.float16)

    features = made._features(TrainingSet([], [plain, mirrored]), [0, 1, 1], [1, 0, 1])

    assert features.flatten().tolist() == [1, 0, 1]
