"""`manage.py evaluate_captioner`, with a small real bundle and small photos."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from captioner.inference import Captioner
from captioner.preprocessing import photo_pixels
from training.scoring.evaluate import bundle_evaluate

ROOT = Path(__file__).resolve().parents[3]
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
    monkeypatch.setattr("training.scoring.evaluate._meteor_score", lambda *_: None)


@pytest.mark.usefixtures("java", "quick")
def test_evaluate_json_holds_scores_and_faults(bundle, dataset):
    report = json.loads(_output(bundle, dataset, json=True))

    assert report.keys() == {"version", "photos", "beam", "scores", "faults"}
    assert report["version"] == Captioner.load(bundle).version
    assert report["photos"] == 5
    assert report["scores"].keys() == {"bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider", "meteor"}
    assert report["faults"].keys() == {"distinct", "function_word_endings", "repeated_trigrams", "mean_words"}


@pytest.mark.usefixtures("java", "quick")
def test_evaluate_table_names_every_score(bundle, dataset):
    table = _output(bundle, dataset)

    for name in ("BLEU-1", "BLEU-4", "ROUGE-L", "METEOR", "CIDEr", "Distinct captions", "5 photos, beam 3"):
        assert name in table


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

    evaluation = bundle_evaluate(bundle, **dataset, beam=2)

    assert evaluation.captions[13] == expected.text
    assert evaluation.captions.keys() == {10, 11, 12, 13, 14}


def test_evaluate_without_java_says_so_before_it_captions(bundle, dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CommandError, match="apt-get install default-jre-headless"):
        _output(bundle, dataset)


@pytest.mark.usefixtures("java")
def test_evaluate_names_a_photo_that_cannot_be_read(bundle, dataset):
    (dataset["images"] / "2.png").write_bytes(b"broken")

    with pytest.raises(CommandError, match=r"2\.png: The file is not a picture"):
        _output(bundle, dataset)


@pytest.mark.usefixtures("java")
def test_evaluate_names_photos_that_are_not_there(bundle, dataset):
    (dataset["images"] / "2.png").unlink()

    with pytest.raises(CommandError, match=r"1 of the 5 photos .*2\.png"):
        _output(bundle, dataset)


@pytest.mark.usefixtures("java")
@pytest.mark.parametrize("text", ["", "[]", "{broken", '{"images": [{"id": 1}], "annotations": [{"id": 1}]}'])
def test_evaluate_refuses_captions_of_another_form(bundle, dataset, text):
    dataset["captions"].write_text(text)

    with pytest.raises(CommandError, match=r"captions\.json is not COCO captions JSON"):
        _output(bundle, dataset)


@pytest.mark.usefixtures("java")
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


def _output(bundle: Path, dataset: dict[str, Path], **options: object) -> str:
    out = io.StringIO()
    call_command("evaluate_captioner", bundle=bundle, **dataset, **options, stdout=out)
    return out.getvalue()
