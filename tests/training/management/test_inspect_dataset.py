"""`manage.py inspect_dataset`: the figures, and the page that shows them."""

import html
import io
import json
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.training.datasets import SAYINGS, captions_write, dataset_write
from training.data.dataset_inspection import dataset_inspect
from training.pages.dataset_page import dataset_page


def run(captions: list[Path], images: list[Path], output: Path, **options: object) -> tuple[str, str, str]:
    """What it said, what it warned of, and the error that it ended with."""
    out, err, error = io.StringIO(), io.StringIO(), ""
    given = {"captions": captions, "images": images, "output": output} | options
    try:
        call_command("inspect_dataset", stdout=out, stderr=err, **given)
    except CommandError as raised:
        error = str(raised)
    return out.getvalue(), err.getvalue(), error


def page_of(*captions: Path, images: Path, **options: int) -> str:
    return html.unescape(dataset_page(dataset_inspect(captions, images=[images]), **options))


def test_inspection_counts_captions_lengths_and_words(tmp_path):
    inspection = dataset_inspect([dataset_write(tmp_path)], images=[tmp_path / "images"])

    assert inspection.captions == 8
    assert inspection.lengths == {3: 1, 4: 3, 6: 2, 7: 2}
    assert inspection.captions_per_photo == {2: 4}
    assert (inspection.words["a"], inspection.words["boats"], inspection.words["sea"]) == (4, 2, 1)
    assert inspection.repeated == 0


def test_inspection_counts_captions_that_say_the_same(tmp_path):
    captions = dataset_write(tmp_path, copies=3)

    assert dataset_inspect([captions], images=[tmp_path / "images"]).repeated == 16


def test_inspection_tells_what_each_file_holds(tmp_path):
    files = [dataset_write(tmp_path / name, copies=copies) for name, copies in (("one", 1), ("two", 2))]
    folders = [tmp_path / "one" / "images", tmp_path / "two" / "images"]

    found = dataset_inspect(files, images=folders).files

    assert [(one.file, one.folder, one.photos, one.captions) for one in found] == [
        (files[0], folders[0], 4, 8),
        (files[1], folders[1], 8, 16),
    ]


def test_inspection_leaves_bad_photos_out_of_the_figures(tmp_path):
    captions = dataset_write(tmp_path)
    (tmp_path / "images" / "red-0.png").unlink()

    inspection = dataset_inspect([captions], images=[tmp_path / "images"])

    assert (inspection.captions, inspection.words["dog"], inspection.bad_counts) == (6, 0, {"missing": 1})


def test_page_shows_every_photo_with_its_captions(tmp_path):
    page = page_of(dataset_write(tmp_path), images=tmp_path / "images")

    assert page.count('<img src="data:image/jpeg;base64,') == 4
    for colour, captions in SAYINGS.items():
        assert f"<h3>{colour}-0.png</h3>" in page
        assert f"<ul>{''.join(f'<li>{text}</li>' for text in captions)}</ul>" in page


def test_page_shows_as_many_photos_as_asked_for(tmp_path):
    captions = dataset_write(tmp_path, copies=3)

    assert page_of(captions, images=tmp_path / "images", photos=5).count("<img") == 5
    assert page_of(captions, images=tmp_path / "images", photos=0).count("<img") == 0


def test_page_draws_lengths_and_vocabulary(tmp_path):
    page = page_of(dataset_write(tmp_path), images=tmp_path / "images")

    assert "<title>4: 3</title>" in page
    assert "Captions known whole, by threshold" in page
    assert re.search(r'<td class="number">2</td><td class="number">16</td><td class="number">14\.63%</td>', page)


def test_page_gathers_very_long_captions_in_a_last_bar(tmp_path):
    captions = dataset_write(tmp_path)
    content = json.loads(captions.read_text())
    for number in (0, 1):
        content["annotations"][number]["caption"] = "dog " * (40 + number)
    captions.write_text(json.dumps(content))

    page = page_of(captions, images=tmp_path / "images")

    assert "<title>31+: 2</title>" in page
    assert re.search(r"Longest, in words</td><td[^>]*>41<", page)


def test_page_names_bad_photos_with_what_is_wrong(tmp_path):
    captions = dataset_write(tmp_path)
    (tmp_path / "images" / "red-0.png").unlink()
    (tmp_path / "images" / "blue-0.png").write_bytes(b"no picture")

    page = page_of(captions, images=tmp_path / "images")

    assert "Bad photos: 1 missing, 1 unreadable." in page
    assert "--skip-bad" in page
    assert re.search(r"red-0\.png</td><td >missing</td><td >there is no such file", page)
    assert re.search(r"blue-0\.png</td><td >unreadable</td><td >The file is not a picture", page)


def test_page_of_a_whole_data_set_says_so(tmp_path):
    page = page_of(dataset_write(tmp_path), images=tmp_path / "images")

    assert "Every photo is there, can be read, and has a caption." in page
    assert "Missing or broken" not in page


def test_page_of_bad_photos_alone_is_made_all_the_same(tmp_path):
    captions = dataset_write(tmp_path)
    (tmp_path / "empty").mkdir()

    page = page_of(captions, images=tmp_path / "empty")

    assert "No photo can be trained on: 4 missing." in page
    assert "<img" not in page


def test_page_escapes_captions_and_names(tmp_path):
    captions = dataset_write(tmp_path)
    content = json.loads(captions.read_text())
    content["annotations"][0]["caption"] = '<script>alert("x")</script>'
    content["images"][1]["file_name"] = "<b>none.png"
    captions.write_text(json.dumps(content))

    page = dataset_page(dataset_inspect([captions], images=[tmp_path / "images"]))

    assert "<script" not in page
    assert "<b>" not in page


def test_page_asks_nothing_of_any_server(tmp_path):
    page = page_of(dataset_write(tmp_path), images=tmp_path / "images")

    assert re.findall(r'(?:src|href)="(?!data:)[^"]*|url\(|@import', page) == []


def test_inspect_command_writes_the_page_and_sums_up(tmp_path):
    captions = dataset_write(tmp_path, copies=2)

    out, _, error = run([captions], [tmp_path / "images"], tmp_path / "page.html", photos=2)

    page = (tmp_path / "page.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("<img") == 2
    assert out.splitlines() == [
        f"Open {tmp_path / 'page.html'} in a browser.",
        "Captions: 16 found: 16 taken, 0 there already, 0 left out.",
        "Photos: 8 found: 8 taken, 0 there already, 0 left out.",
    ]
    assert error == ""


def test_inspect_command_counts_a_folder_of_everything(everything, tmp_path):
    out, _, error = run([everything], [tmp_path / "images"], tmp_path / "page.html", verbose=True)

    *listed, captions, photos = out.splitlines()
    assert captions == (
        "Captions: 8 found: 2 taken, 0 there already, 6 left out "
        "(2 without a word, 2 of a missing photo, 2 of an unreadable photo)."
    )
    assert photos == (
        "Photos: 6 found: 1 taken, 0 there already, 5 left out "
        "(2 in no captions file, 1 captionless, 1 missing, 1 unreadable)."
    )
    assert sum(line.startswith("Left out: ") for line in listed) == 11
    assert f"Left out: {tmp_path / 'images' / 'below' / 'notes.txt'} (in no captions file)" in listed
    assert error.startswith("3 of 4 photos that the captions name cannot be trained on: 1 captionless, 1 missing, ")
    assert "1 captionless, 1 missing, 1 unreadable" in (tmp_path / "page.html").read_text()


@pytest.fixture
def everything(tmp_path) -> Path:
    """Captions of a photo of each fault and of a good one, and files that they do not name."""
    captions = dataset_write(tmp_path)
    content = json.loads(captions.read_text())
    for annotation in content["annotations"]:
        if annotation["image_id"] == 1:
            annotation["caption"] = " . "
    (tmp_path / "images" / "blue-0.png").unlink()
    (tmp_path / "images" / "white-0.png").write_bytes(b"no picture")
    (tmp_path / "images" / "below").mkdir()
    for name in (".hidden", "below/notes.txt"):
        (tmp_path / "images" / name).write_text("no picture")
    return captions_write(captions, content)


def test_inspect_command_warns_of_captions_that_are_all_alike(tmp_path):
    captions = said(dataset_write(tmp_path, copies=5), "A dog.")

    _, err, error = run([captions], [tmp_path / "images"], tmp_path / "page.html")

    assert err.startswith("Warning: All 40 captions say the same ('a dog'): a model learns to say that of every photo.")
    assert "All 40 captions say the same" in (tmp_path / "page.html").read_text()
    assert error == ""


def test_inspect_command_warns_of_a_file_in_another_script(tmp_path):
    files = [dataset_write(tmp_path, name, prefix=name[0], copies=5) for name in ("a.json", "b.json")]
    said(files[1], "Собака бежит по траве.")

    _, err, _ = run(files, [tmp_path / "images"], tmp_path / "page.html")

    assert f"Warning: 100% of the letters of the captions of {files[1]} are Cyrillic, and those of {files[0]} " in err


def test_inspect_command_warns_where_the_usual_threshold_leaves_no_word(tmp_path):
    captions = said(dataset_write(tmp_path), "A dog.", others="")

    _, err, _ = run([captions], [tmp_path / "images"], tmp_path / "page.html")

    assert err.startswith("Warning: The vocabulary is empty: no word reached the threshold. Lower it: --threshold is 5")


def said(captions: Path, first: str, *, others: str | None = None) -> Path:
    """Changes what the captions say: the first of each photo, and the others, which say the same if not given."""
    content = json.loads(captions.read_text())
    for number, annotation in enumerate(content["annotations"]):
        annotation["caption"] = first if number % 2 == 0 or others is None else others
    return captions_write(captions, content)


def test_inspect_command_refuses_captions_of_another_form(tmp_path):
    captions = captions_write(tmp_path / "captions.json", [])

    assert "captions.json is not COCO captions JSON" in run([captions], [tmp_path], tmp_path / "page.html")[2]


@pytest.mark.parametrize(
    ("output", "options", "fault"),
    [
        (".", {}, "which is a folder: give the name of a file"),
        ("captions.json", {}, "which is one of the captions files"),
        ("page.html", {"photos": -1}, "--photos is -1; give 0 or more"),
    ],
)
def test_inspect_command_refuses_what_cannot_be(output, options, fault, tmp_path):
    captions = dataset_write(tmp_path)

    assert fault in run([captions], [tmp_path / "images"], tmp_path / output, **options)[2]
