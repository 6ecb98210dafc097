"""`manage.py caption`, in process with a small real bundle. None of it may touch the database."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from captioner.inference import Captioner, CaptionResult, Word
from captioner.objects.object_evidence import SeenObject
from captioner.preprocessing import photo_pixels
from tests.bundles import CAPTIONS
from tests.worker.caption_command import caption_lines
from worker.captioned_files import BATCH, Captioned

ROOT = Path(__file__).resolve().parents[2]


def test_caption_prints_one_line_for_each_photo(caption, photo):
    red, blue = photo("red.png", "red"), photo("blue.jpg", "blue")

    first, second = caption(red, blue)

    assert re.fullmatch(rf"{re.escape(red)}: {CAPTIONS['red']} \(\d\.\d\d\)", first)
    assert re.fullmatch(rf"{re.escape(blue)}: {CAPTIONS['blue']} \(\d\.\d\d\)", second)


def test_caption_json_lines_hold_exactly_what_programs_read(caption, photo):
    file = photo("a.png")

    (line,) = caption(file, json=True)

    entry = json.loads(line)
    assert entry.keys() == {"file", "caption", "confidence", "words", "alternatives", "objects", "error"}
    assert entry["file"] == file
    assert 0 <= entry["confidence"] <= 1
    assert entry["caption"] == CAPTIONS["red"]
    assert [word["text"] for word in entry["words"]] == ["a", "dog", "runs", "on", "the", "grass"]
    assert all(word.keys() == {"text", "log_probability"} for word in entry["words"])
    assert all(other.keys() == {"text", "confidence"} for other in entry["alternatives"])
    assert entry["objects"] == []
    assert entry["error"] is None


def test_caption_tells_objects_and_the_words_that_the_classifier_chose():
    words = (Word("a", -0.5), Word("cat", -3.0, seen=0.83))
    objects = (SeenObject("cat", 0.83), SeenObject("table", 0.1))
    result = CaptionResult("A cat.", words, 0.4, (), np.zeros((2, 0, 0), np.uint8), objects)
    captioned = Captioned("a.png", np.zeros((1, 1, 3), np.uint8), result)

    assert captioned.line() == "a.png: A cat. (0.40); it sees: cat (0.83), table (0.10)"
    entry = captioned.to_dict()
    assert entry["objects"] == [{"word": "cat", "probability": 0.83}, {"word": "table", "probability": 0.1}]
    assert entry["words"] == [
        {"text": "a", "log_probability": -0.5}, {"text": "cat", "log_probability": -3.0, "seen": 0.83},
    ]  # fmt: skip


def test_caption_says_what_the_library_says(caption, photo, bundle):
    file = photo("a.png")
    captioner = Captioner.load(bundle)
    (expected,) = captioner.caption_batch([photo_pixels(file, preprocessing=captioner.preprocessing)])

    entry = json.loads(caption(file, json=True)[0])

    assert entry["caption"] == expected.text
    assert entry["confidence"] == pytest.approx(expected.confidence, rel=1e-4)
    assert [word["text"] for word in entry["words"]] == [word.text for word in expected.words]
    assert [other["text"] for other in entry["alternatives"]] == [other.text for other in expected.alternatives]


def test_caption_keeps_the_order_of_more_photos_than_a_batch(caption, photo):
    colours = [list(CAPTIONS)[n % len(CAPTIONS)] for n in range(BATCH + 2)]
    files = [photo(f"{n}.png", colour) for n, colour in enumerate(colours)]

    entries = [json.loads(line) for line in caption(*files, json=True)]

    assert [entry["file"] for entry in entries] == files
    assert [entry["caption"] for entry in entries] == [CAPTIONS[colour] for colour in colours]


def test_caption_beam_1_has_no_alternatives(caption, photo):
    assert json.loads(caption(photo("a.png"), json=True, beam=1)[0])["alternatives"] == []


def test_caption_wider_beam_has_alternatives(caption, photo):
    assert 1 <= len(json.loads(caption(photo("a.png"), json=True, beam=4)[0])["alternatives"]) <= 3


def test_caption_of_an_unreadable_file_is_its_error_among_the_others(bundle, photo, tmp_path):
    good, bad, other = photo("good.png"), tmp_path / "bad.jpg", photo("other.png", "blue")
    bad.write_bytes(b"no picture at all")

    lines, error = caption_lines(good, str(bad), other, bundle=bundle)

    assert [line.split(": ")[0] for line in lines] == [good, str(bad), other]
    assert "error: The file is not a picture" in lines[1]
    assert CAPTIONS["red"] in lines[0]
    assert CAPTIONS["blue"] in lines[2]
    assert error is not None
    assert error.returncode == 1
    assert "1 of 3 photos" in str(error)


def test_caption_json_error_has_code_and_message(bundle, tmp_path):
    empty = tmp_path / "empty.png"
    empty.touch()

    (line,), _ = caption_lines(str(empty), bundle=bundle, json=True)

    entry = json.loads(line)
    assert entry["error"]["code"] == "empty"
    assert "0 bytes" in entry["error"]["message"]
    assert (entry["caption"], entry["confidence"]) == (None, None)
    assert entry["words"] == entry["alternatives"] == entry["objects"] == []


def test_caption_of_a_file_that_is_not_there_says_so(bundle, tmp_path):
    (line,), error = caption_lines(str(tmp_path / "none.jpg"), bundle=bundle)

    assert "No such file" in line
    assert error is not None


def test_caption_of_a_folder_asks_for_the_photos_in_it(bundle, tmp_path):
    (line,), _ = caption_lines(str(tmp_path), bundle=bundle)

    assert "This is a folder" in line
    assert str(tmp_path / "*.jpg") in line


def test_caption_holds_files_to_the_limits_of_the_site(bundle, photo, settings):
    settings.UPLOAD_MAX_PIXELS = 100

    (line,), _ = caption_lines(photo("a.png"), bundle=bundle)

    assert "2,400 pixels; the limit is 100" in line


def test_caption_of_a_name_with_a_line_break_stays_on_one_line(caption, photo):
    (line,) = caption(photo("two\nlines.png"))

    assert r"two\nlines.png" in line


def test_caption_uses_the_default_bundle_of_the_settings(bundle, photo, settings):
    settings.DEFAULT_BUNDLE = bundle

    lines, error = caption_lines(photo("a.png"))

    assert (len(lines), error) == (1, None)


def test_caption_without_a_bundle_names_the_place(photo, tmp_path):
    with pytest.raises(CommandError, match=str(tmp_path / "nothing")):
        call_command("caption", photo("a.png"), bundle=tmp_path / "nothing")


def test_caption_refuses_a_beam_that_would_take_for_ever(photo, bundle):
    with pytest.raises(CommandError, match=r"--beam is 100000; give 50 or less"):
        call_command("caption", photo("a.png"), bundle=bundle, beam=100_000)


def test_caption_refuses_a_pipe_rather_than_wait_for_it(bundle, tmp_path):
    os.mkfifo(tmp_path / "a.jpg")

    lines, error = caption_lines(str(tmp_path / "a.jpg"), bundle=bundle)

    assert "is a pipe, not a file" in lines[0]
    assert error is not None


@pytest.mark.parametrize("beam", [0, -3])
def test_caption_refuses_a_beam_below_1(photo, bundle, beam):
    with pytest.raises(CommandError, match=rf"--beam is {beam}; give 1 or more"):
        call_command("caption", photo("a.png"), bundle=bundle, beam=beam)


def test_caption_without_torch_says_what_to_install(photo):
    program = (
        "import sys; sys.modules |= dict.fromkeys(['torch', 'numpy', 'tqdm', 'matplotlib'])  # as in the web image\n"
        "from django.core.management import execute_from_command_line\n"
        f"execute_from_command_line(['manage.py', 'caption', {photo('a.png')!r}])"
    )

    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert run.returncode == 1
    assert "not installed here. Run: pip install -r worker/requirements.txt" in run.stderr
    assert "Traceback" not in run.stderr


def test_caption_draws_no_bar_when_not_on_a_terminal(caption, photo, capfd):
    caption(*[photo(f"{n}.png") for n in range(BATCH + 1)])

    assert capfd.readouterr() == ("", f"Photos: {BATCH + 1} found: {BATCH + 1} taken, 0 there already, 0 left out.\n")


def test_caption_of_a_single_photo_counts_nothing(caption, photo, capfd):
    caption(photo("a.png"))

    assert capfd.readouterr() == ("", "")


def test_caption_on_a_device_that_is_not_there_says_so(photo, bundle, settings):
    settings.ENV = settings.ENV | {"FOVEA_DEVICE": "cuda:99"}

    with pytest.raises(CommandError, match="The device cuda:99 cannot be used"):
        call_command("caption", photo("a.png"), bundle=bundle)


@pytest.mark.slow
def test_caption_exit_status_is_1_when_a_photo_failed(bundle, photo, tmp_path):
    run = subprocess.run(
        [sys.executable, "manage.py", "caption", "--bundle", bundle, photo("a.png"), tmp_path / "none.png"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1
    assert len(run.stdout.splitlines()) == 2
