"""CSV, JSON Lines and COCO, byte by byte."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.webapp.exchange.exporting import VERSION, exported, photo_add
from training.data.coco_captions import captions_file_read
from webapp.accounts.models import User
from webapp.exchange.formats.lists import CsvList

SHA = {number: f"{number:064}" for number in (7, 12)}


@pytest.fixture
def two(user: User) -> User:
    """The owner of a photo that the model captioned, and one whose caption a person corrected."""
    photo_add(user, 12, name="ĉielo “x”.jpg", text="a sky", verdict="edited", person='the "sky",\nblue')
    photo_add(user, 7, name="beach.jpg", text="a dog runs")
    return user


def test_csv_is_the_same_to_the_byte(two: User) -> None:
    assert exported(two, "csv").decode() == (
        "\ufefffile_name,text,text_by,model_version,review,certainty,id,sha256\r\n"
        f"beach.jpg,a dog runs,model,{VERSION},undecided,0.1235,7,{SHA[7]}\r\n"
        f'ĉielo “x”.jpg,"the ""sky"",\nblue",person,,edited,,12,{SHA[12]}\r\n'
    )


def test_json_lines_are_the_same_to_the_byte(two: User) -> None:
    assert exported(two, "jsonl").decode() == (
        f'{{"file_name": "beach.jpg", "text": "a dog runs", "text_by": "model", "model_version": "{VERSION}", '
        f'"review": "undecided", "certainty": 0.1235, "id": 7, "sha256": "{SHA[7]}"}}\n'
        '{"file_name": "ĉielo “x”.jpg", "text": "the \\"sky\\",\\nblue", "text_by": "person", "model_version": null, '
        f'"review": "edited", "certainty": null, "id": 12, "sha256": "{SHA[12]}"}}\n'
    )


def test_coco_is_the_same_to_the_byte(two: User) -> None:
    assert exported(two, "coco").decode() == (
        '{"info": {"description": "Captions exported by Fovea"},\n"images": [\n'
        f'{{"id": 7, "file_name": "beach.jpg", "width": 40, "height": 30, "sha256": "{SHA[7]}"}},\n'
        f'{{"id": 12, "file_name": "ĉielo “x”.jpg", "width": 40, "height": 30, "sha256": "{SHA[12]}"}}\n'
        '],\n"annotations": [\n'
        f'{{"text_by": "model", "model_version": "{VERSION}", "review": "undecided", "certainty": 0.1235, "id": 7, '
        '"image_id": 7, "caption": "a dog runs"},\n'
        '{"text_by": "person", "model_version": null, "review": "edited", "certainty": null, "id": 12, '
        '"image_id": 12, "caption": "the \\"sky\\",\\nblue"}\n'
        "]}\n"
    )


def test_coco_is_read_back_by_the_training(two: User, tmp_path: Path) -> None:
    (tmp_path / "captions.json").write_bytes(exported(two, "coco"))
    entries = captions_file_read(tmp_path / "captions.json")
    assert [(entry.id, entry.file_name, entry.captions) for entry in entries] == [
        (7, "beach.jpg", ("a dog runs",)),
        (12, "ĉielo “x”.jpg", ('the "sky",\nblue',)),
    ]


def test_coco_of_a_photo_without_a_text_has_no_caption_of_it(user: User) -> None:
    photo_add(user, 1)
    content = json.loads(exported(user, "coco", everything=True))
    assert [image["id"] for image in content["images"]] == [1]
    assert content["annotations"] == []


@pytest.mark.parametrize("form", ["csv", "jsonl", "coco"])
def test_export_of_nothing_is_well_formed(user: User, form: str) -> None:
    content = exported(user, form).decode("utf-8-sig")
    if form == "csv":
        assert len(list(csv.reader(io.StringIO(content)))) == 1
    else:
        assert json.loads(content or '{"images": []}')["images"] == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "'=1", "''@x"])
def test_csv_cell_that_is_a_formula_begins_with_an_apostrophe(user: User, text: str) -> None:
    photo_add(user, 1, name=f"{text.strip()}.jpg", text="a dog", verdict="edited", person=text)
    [_, row] = csv.reader(io.StringIO(exported(user, "csv").decode("utf-8-sig"), newline=""))
    assert row[:2] == [f"'{text.strip()}.jpg", f"'{text}"]


@pytest.mark.parametrize("text", ["a dog", "it's 1 = 1", "'tis", " =1", "کلب"])
def test_csv_cell_that_is_none_stays_as_it_is(user: User, text: str) -> None:
    photo_add(user, 1, text=text)
    [_, row] = csv.reader(io.StringIO(exported(user, "csv").decode("utf-8-sig"), newline=""))
    assert row[1] == text


def test_csv_begins_with_a_byte_order_mark() -> None:
    assert CsvList().begin().startswith(b"\xef\xbb\xbffile_name,")
