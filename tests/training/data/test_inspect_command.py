"""`manage.py inspect_dataset`: the figures, and the page that shows them."""

import html
import io
import json
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.training.datasets import SAYINGS, captions_write, dataset_write
from training.data.inspection import dataset_inspect
from training.pages.dataset import dataset_page


def run(captions: list[Path], images: list[Path], output: Path, **options: object) -> str:
    out = io.StringIO()
    call_command("inspect_dataset", captions=captions, images=images, output=output, stdout=out, **options)
    return out.getvalue()


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
    captions = dataset_write(tmp_path)
    (tmp_path / "images" / "red-0.png").unlink()

    out = run([captions], [tmp_path / "images"], tmp_path / "page.html", photos=2)

    page = (tmp_path / "page.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("<img") == 2
    assert out.startswith(f"3 photos with 6 captions; 1 missing. Open {tmp_path / 'page.html'}")


def test_inspect_command_refuses_captions_of_another_form(tmp_path):
    with pytest.raises(CommandError, match=r"captions\.json is not COCO captions JSON"):
        run([captions_write(tmp_path / "captions.json", [])], [tmp_path], tmp_path / "page.html")


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

    with pytest.raises(CommandError, match=fault):
        run([captions], [tmp_path / "images"], tmp_path / output, **options)
