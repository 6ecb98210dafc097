"""Runs that come to nothing say so, and what they made is not offered."""

import json

import pytest
from django.core.management import CommandError, call_command

from captioner.bundle import bundle_describe
from tests.training.datasets import captions_write
from tests.training.small_runs import sources
from tests.training.train_commands import LEARNT, arguments, resume, train_from
from training.management.commands.train_captioner import FAILED
from training.run_folder.data_sources import DataSources

pytestmark = pytest.mark.usefixtures("no_java")


@pytest.fixture
def own(tmp_path) -> DataSources:
    return sources(tmp_path / "dataset", copies=20)


def say(found: DataSources, *, train: str | None = None, validation: str | None = None) -> DataSources:
    """All captions say the same."""
    for files, text in ((found.train_captions, train), (found.val_captions, validation)):
        content = json.loads(files[0].read_text())
        for annotation in content["annotations"]:
            annotation["caption"] = text or annotation["caption"]
        captions_write(files[0], content)
    return found


def test_run_of_equal_captions_fails_and_is_told_so_before_and_after(own, tmp_path, capsys):
    say(own, train="A dog runs.", validation="A dog runs.")

    with pytest.raises(CommandError) as failed:
        call_command("train_captioner", **arguments(own, tmp_path / "run"))

    assert failed.value.returncode == FAILED
    assert f"The run in {tmp_path / 'run'} failed. Its captions are no better than blind ones" in str(failed.value)
    assert "All 160 captions to train on say the same ('a dog runs')" in str(failed.value)
    out = capsys.readouterr().out
    assert out.index("Warning: All 160 captions to train on say the same") < out.index("stage  ")
    assert "Next: manage.py register_model" not in out
    described = bundle_describe(tmp_path / "run" / "bundle")
    assert described["metrics"]["failed"] in described["card"]
    assert described["metrics"]["blind"]["cider"] == described["metrics"]["validation"]["cider"] == 0


def test_run_that_failed_says_so_again_when_resumed(found, tmp_path):
    with pytest.raises(CommandError):
        call_command("train_captioner", **arguments(found, tmp_path / "run", decoder_epochs=1))

    for _ in range(2):
        with pytest.raises(CommandError, match="no better than blind") as failed:
            call_command("train_captioner", resume=tmp_path / "run")
        assert failed.value.returncode == FAILED
        (tmp_path / "run" / "attention.html").unlink(missing_ok=True)


def test_run_that_failed_is_not_registered(found, tmp_path, db, settings):
    settings.DATA_DIR = tmp_path / "data"
    from webapp.captioning.models import ModelVersion

    with pytest.raises(CommandError, match="register_model refuses it"):
        call_command("train_captioner", **arguments(found, tmp_path / "run", decoder_epochs=1, register=True))
    with pytest.raises(CommandError, match=r"because the training that made it failed\. Its captions"):
        call_command("register_model", tmp_path / "run" / "bundle")

    assert not ModelVersion.objects.exists()


def test_run_that_learnt_is_a_success(own, tmp_path, capsys):
    call_command("train_captioner", **arguments(own, tmp_path / "run", **LEARNT))

    described = bundle_describe(tmp_path / "run" / "bundle")
    assert described["metrics"]["validation"]["cider"] > described["metrics"]["blind"]["cider"] > 0
    assert "failed" not in described["metrics"]
    assert f"Next: manage.py register_model {tmp_path / 'run' / 'bundle'}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("train", "validation", "said"),
    [
        (None, "Собака бежит.", "100% of the letters of the captions to validate on are Cyrillic"),
        (None, "Zwei Hunde laufen.", "100% of the words of the captions to validate on are unknown"),
    ],
)
def test_run_is_refused_before_it_begins(own, tmp_path, train, validation, said):
    say(own, train=train, validation=validation)

    with pytest.raises(CommandError, match=said):
        call_command("train_captioner", **arguments(own, tmp_path / "run"))

    assert not (tmp_path / "run").exists()


def test_run_with_most_words_below_the_threshold_is_refused(found, tmp_path):
    with pytest.raises(CommandError, match=r"the captions to train on are unknown .* --threshold 2 instead of 4"):
        call_command("train_captioner", **arguments(found, tmp_path / "run", threshold=4))

    assert not (tmp_path / "run").exists()


def test_run_in_another_script_than_the_bundle_to_start_from_is_refused(own, tmp_path, bundle):
    say(own, train="Собака бежит.", validation="Собака бежит.")

    with pytest.raises(CommandError, match=r"are Cyrillic, and the words of --start-from .* are written in Latin"):
        train_from(bundle, own, tmp_path / "run")
    with pytest.raises(CommandError, match=r"are Cyrillic, and the words of --teacher .* are written in Latin"):
        call_command("train_captioner", **arguments(own, tmp_path / "run", teacher=[bundle]))

    assert not (tmp_path / "run").exists()


def test_run_that_was_begun_goes_on_with_captions_that_none_would_begin_with(own, tmp_path, monkeypatch, capsys):
    say(own, validation="Собака бежит.")
    with monkeypatch.context() as formerly:
        formerly.setattr("training.run.prepared_run.training_concerns", lambda *_, **__: [])
        with pytest.raises(CommandError, match="limit"):
            call_command("train_captioner", **arguments(own, tmp_path / "run", max_minutes=0.0001))

    resume(tmp_path / "run")

    assert (tmp_path / "run" / "bundle").is_dir()
    assert "Warning: 100% of the letters of the captions to validate on are Cyrillic" in capsys.readouterr().out
