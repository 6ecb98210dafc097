"""What `manage.py train_captioner` refuses, with the remedy, before the first step where it can."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.training.datasets import captions_write
from tests.training.small_runs import sources
from tests.training.train_commands import train
from training.management.commands.train_captioner import Command
from training.options.recipes import RECIPES


def test_train_command_refuses_a_folder_with_another_run(found, tmp_path, no_java):
    train(found, tmp_path / "run", decoder_epochs=1)

    with pytest.raises(CommandError, match="holds a run already"):
        train(found, tmp_path / "run")


@pytest.mark.parametrize("left", ["checkpoint.pt", "bundle"])
def test_train_command_refuses_a_folder_with_what_is_left_of_a_run(left, found, tmp_path):
    (tmp_path / "run" / left).mkdir(parents=True)

    with pytest.raises(CommandError, match=r"what is left of a run, but not its options\.json.*another --output"):
        train(found, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == [left]


def test_train_command_names_missing_photos_before_the_first_step(found, tmp_path):
    with pytest.raises(CommandError, match=r"4 of the 4 photos .*red-0\.png .missing"):
        train(found, tmp_path / "run", images=[tmp_path])

    assert not (tmp_path / "run").exists()


def test_train_command_leaves_bad_photos_out_if_asked(tmp_path, no_java, capsys):
    found = sources(tmp_path / "dataset")
    (found.images[0] / "red-0.png").write_bytes(b"\x89PNG broken")

    train(found, tmp_path / "run", decoder_epochs=1, skip_bad=True, verbose=True)

    out = capsys.readouterr().out
    assert "red-0.png" in out
    assert "Photos: 8 found: 7 taken, 0 there already, 1 left out (1 unreadable)." in out
    assert "3 photos to train on" in out


def test_train_command_refuses_a_photo_in_both_splits(found, tmp_path):
    with pytest.raises(CommandError, match="in the training set and in the validation set"):
        train(found, tmp_path / "run", val_captions=list(found.train_captions), images=[found.images[0]])


def test_train_command_refuses_json_of_another_form(found, tmp_path):
    captions = captions_write(tmp_path / "bad.json", {"photos": []})

    with pytest.raises(CommandError, match=r"bad\.json"):
        train(found, tmp_path / "run", train_captions=[captions])


def test_train_command_refuses_an_empty_vocabulary(found, tmp_path):
    with pytest.raises(CommandError, match="no word reached the threshold"):
        train(found, tmp_path / "run", threshold=100)


def test_train_command_refuses_card_notes_that_are_not_there(found, tmp_path):
    with pytest.raises(CommandError, match=r"none\.md"):
        train(found, tmp_path / "run", card_notes=tmp_path / "none.md")


def test_train_command_does_not_resume_what_was_never_started(tmp_path):
    with pytest.raises(CommandError, match="No run was started"):
        call_command("train_captioner", resume=tmp_path / "run")


@pytest.mark.parametrize(
    "content",
    ["{}", json.dumps({"options": {**RECIPES["quick"].to_dict(), "hidden": "wide"}, "sources": {}, "data": ""})],
)
def test_train_command_does_not_resume_by_settings_of_another_kind(content, tmp_path):
    (tmp_path / "options.json").write_text(content)

    with pytest.raises(CommandError, match=r"options\.json is not what this version of Fovea writes"):
        call_command("train_captioner", resume=tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"decoder_epochs": -1}, "--decoder-epochs is -1"),
        ({"batch_photos": 0}, "--batch-photos is 0"),
        ({"threads": 0}, "--threads is 0"),
        ({"max_minutes": -1.0}, "--max-minutes is -1"),
        ({"dropout": 2.0}, "--dropout is 2"),
        ({"recipe": "fast"}, "no recipe 'fast'"),
        ({"encoder": "resnet51"}, "'resnet51'"),
        ({"finetune_stages": 30, "finetune_epochs": 1}, "--finetune-stages is 30"),
        ({"device": "cuda:99"}, "cuda:99"),
        ({"images": []}, "needs --images"),
        ({"resume": Path("run")}, "leave out --train-captions"),
        ({"start_from": Path("bundle")}, "its bundle's encoder, decoder and sizes: leave out --encoder, --embedding"),
    ],
)
def test_train_command_refuses_what_cannot_be(change, said, found, tmp_path):
    with pytest.raises(CommandError, match=said):
        train(found, tmp_path / "run", **change)


def test_train_command_helps_with_what_the_default_recipe_takes(capsys):
    with pytest.raises(SystemExit):
        Command().run_from_argv(["manage.py", "train_captioner", "--help"])

    said = " ".join(capsys.readouterr().out.split())
    assert f"stage 1, the decoder on cached features; 0 leaves it out ({RECIPES['quick'].decoder_epochs})" in said


def test_train_command_refuses_folders_that_are_not_one_for_each_file(found, tmp_path):
    with pytest.raises(CommandError, match="names 3 folders for 2 captions files"):
        train(found, tmp_path / "run", images=[tmp_path] * 3)


def test_train_command_takes_no_option_for_a_longer_one(tmp_path):
    with pytest.raises(CommandError, match=r"unrecognized arguments: --captions"):
        call_command("train_captioner", "--captions", "captions_train.json", "--output", str(tmp_path / "run"))
