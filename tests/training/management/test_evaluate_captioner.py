"""`manage.py evaluate_captioner`, with a small real bundle and small photos."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from captioner.inference import Captioner
from captioner.preprocessing import photo_pixels
from training.data.dataset import dataset_read
from training.scoring.bundle_evaluation import bundle_evaluate

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.usefixtures("java", "quick")
def test_evaluate_json_holds_scores_and_faults(bundle, dataset):
    report = json.loads(_output(bundle, dataset, json=True))

    assert report.keys() == {
        *("bundle", "version", "photos", "beam", "scorer", "comparable", "scores", "faults", "attention"),
    }
    assert report["version"] == Captioner.load(bundle).version
    assert (report["photos"], report["scorer"], report["comparable"]) == (5, "COCO's own scorer", True)
    assert report["scores"].keys() == {"bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider", "meteor"}
    assert report["faults"].keys() == {
        *("distinct", "function_word_endings", "repeated_trigrams", "repeating_captions", "mean_words"),
    }
    assert report["attention"]["peak"] >= 1


@pytest.mark.usefixtures("java", "quick")
def test_evaluate_table_names_every_score(bundle, dataset):
    table = _output(bundle, dataset)

    for name in (
        "BLEU-1",
        "BLEU-4",
        "ROUGE-L",
        "METEOR",
        "CIDEr",
        "Distinct captions",
        "Captions that repeat",
        "5 photos, beam 3",
    ):
        assert name in table
    assert "NOT COMPARABLE" not in table


@pytest.mark.slow
@pytest.mark.usefixtures("java")
def test_evaluate_scores_meteor(bundle, dataset):
    assert json.loads(_output(bundle, dataset, json=True))["scores"]["meteor"] >= 0


@pytest.mark.usefixtures("java", "quick")
def test_evaluate_limit_and_beam_are_those_asked_for(bundle, dataset):
    report = json.loads(_output(bundle, dataset, json=True, limit=2, beam=1))

    assert (report["photos"], report["beam"]) == (2, 1)


@pytest.mark.usefixtures("java")
def test_evaluate_captions_are_those_of_serving(bundle, dataset):
    captioner = Captioner.load(bundle)
    pixels = photo_pixels(dataset["images"] / "3.png", preprocessing=captioner.preprocessing)
    (expected,) = captioner.caption_batch([pixels], beam=2)

    photos = dataset_read([dataset["captions"]], images=[dataset["images"]]).photos
    evaluation = bundle_evaluate(bundle, photos=photos, beam=2)

    assert evaluation.captions[13] == expected.text
    assert evaluation.captions.keys() == {10, 11, 12, 13, 14}


@pytest.mark.usefixtures("no_java")
def test_evaluate_without_java_says_that_its_scores_do_not_compare(bundle, dataset, tmp_path):
    table = _output(bundle, dataset, scores=tmp_path / "scores.csv", page=tmp_path / "page.html")
    report = json.loads(_output(bundle, dataset, json=True))

    assert "NOT COMPARABLE WITH PUBLISHED SCORES: NO JAVA" in table
    assert (report["comparable"], report["scorer"]) == (False, "not comparable with published scores: no Java")
    assert "not comparable with published scores: no Java" in (tmp_path / "page.html").read_text()
    for row in (tmp_path / "scores.csv").read_text().splitlines()[1:]:
        assert row.endswith("not comparable with published scores: no Java")


def test_evaluate_with_a_broken_java_says_so_before_it_captions(bundle, dataset, tmp_path, monkeypatch):
    (tmp_path / "java").write_text("#!/bin/sh\necho 'no runtime' >&2; exit 2\n")
    (tmp_path / "java").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("captioner.inference.Captioner.load", None)  # not reached

    with pytest.raises(CommandError, match=r"no runtime.*java -version"):
        _output(bundle, dataset)


@pytest.mark.usefixtures("no_java")
def test_evaluate_takes_the_default_bundle_of_the_settings(bundle, dataset, settings):
    settings.DEFAULT_BUNDLE = bundle

    assert json.loads(_output(None, dataset, json=True))["bundle"] == str(bundle)


@pytest.mark.usefixtures("no_java")
def test_evaluate_names_a_photo_that_cannot_be_read(bundle, dataset):
    (dataset["images"] / "2.png").write_bytes(b"broken")

    with pytest.raises(CommandError, match=r"2\.png \(unreadable: The file is not a picture"):
        _output(bundle, dataset)


@pytest.mark.usefixtures("no_java")
def test_evaluate_leaves_bad_photos_out_if_asked(bundle, dataset, capsys):
    (dataset["images"] / "2.png").write_bytes(b"broken")

    report = json.loads(_output(bundle, dataset, json=True, skip_bad=True, verbose=True))

    assert report["photos"] == 4
    err = capsys.readouterr().err
    assert "2.png (unreadable: The file is not a picture" in err
    assert "Photos: 5 found: 4 taken, 0 there already, 1 left out (1 unreadable).\n" in err


@pytest.mark.usefixtures("no_java")
def test_evaluate_counts_what_it_does_not_score(bundle, dataset):
    (dataset["images"] / "other.png").write_bytes(b"in no captions file")

    captions, photos = _output(bundle, dataset, limit=2).splitlines()[-2:]

    assert captions.startswith("Captions: 10 found: 4 taken, 0 there already, 6 left out (6 beyond --limit).")
    assert photos.startswith(
        "Photos: 6 found: 2 taken, 0 there already, 4 left out (3 beyond --limit, 1 in no captions file)."
    )


@pytest.mark.usefixtures("no_java")
@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("zwei Hunde laufen", r"Warning: 100% of the words of the captions to score by are unknown to"),
        ("две собаки бегут", r"Warning: 100% of the letters of the captions to score by are Cyrillic.* in Latin"),
        ("a red dog runs", r"Warning: All 10 captions to score by say the same \('a red dog runs'\)"),
    ],
)
def test_evaluate_warns_of_captions_that_scores_tell_little_by(bundle, dataset, text, warning, capsys):
    content = json.loads(dataset["captions"].read_text())
    for annotation in content["annotations"]:
        annotation["caption"] = text
    dataset["captions"].write_text(json.dumps(content))

    _output(bundle, dataset)

    assert re.search(warning, capsys.readouterr().err)


@pytest.mark.usefixtures("no_java")
def test_evaluate_names_photos_that_are_not_there(bundle, dataset):
    (dataset["images"] / "2.png").unlink()

    with pytest.raises(CommandError, match=r"1 of the 5 photos .*2\.png"):
        _output(bundle, dataset)


@pytest.mark.usefixtures("no_java")
@pytest.mark.parametrize("text", ["", "[]", "{broken", '{"images": [{"id": 1}], "annotations": [{"id": 1}]}'])
def test_evaluate_refuses_captions_of_another_form(bundle, dataset, text):
    dataset["captions"].write_text(text)

    with pytest.raises(CommandError, match=r"captions\.json is not COCO captions JSON"):
        _output(bundle, dataset)


@pytest.mark.usefixtures("no_java")
@pytest.mark.parametrize("option", ["bundle", "images", "captions"])
def test_evaluate_names_what_is_not_there(bundle, dataset, tmp_path, option):
    options = {"bundle": bundle, **dataset} | {option: tmp_path / "nothing"}

    with pytest.raises(CommandError, match=str(tmp_path / "nothing")):
        call_command("evaluate_captioner", **options)


@pytest.mark.parametrize("option", ["beam", "limit"])
def test_evaluate_refuses_numbers_below_1(bundle, dataset, option):
    with pytest.raises(CommandError, match=f"--{option} is 0; give 1 or more"):
        _output(bundle, dataset, **{option: 0})


def test_evaluate_refuses_a_beam_without_end(bundle, dataset):
    with pytest.raises(CommandError, match="--beam is 51; give 50 or less"):
        _output(bundle, dataset, beam=51)


@pytest.mark.parametrize("missing", ["torch", pytest.param("pycocoevalcap", marks=pytest.mark.slow)])
def test_evaluate_without_its_packages_says_what_to_install(dataset, missing):
    arguments = ["--bundle", "x", "--images", str(dataset["images"]), "--captions", str(dataset["captions"])]
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from django.core.management import execute_from_command_line\n"
        f"execute_from_command_line(['manage.py', 'evaluate_captioner', *{arguments!r}])"
    )

    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert run.returncode == 1
    assert missing in run.stderr
    assert "Run: pip install -r training/requirements.txt" in run.stderr
    assert "Traceback" not in run.stderr


def _output(bundle: Path | None, dataset: dict[str, Path], **options: object) -> str:
    out = io.StringIO()
    call_command("evaluate_captioner", bundle=bundle, **dataset, **options, stdout=out)
    return out.getvalue()
