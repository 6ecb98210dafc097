"""`manage.py import_captions`: what it writes, and what it will not overwrite."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.training.datasets import SAYINGS, captions_write, dataset_write
from training.data.dataset import dataset_read

CSV = "image,caption\n" + "".join(f"{number}.jpg,dog {number}\n{number}.jpg,cat\n" for number in range(10))


def run(source: Path, output: Path, form: str = "csv", **options: object) -> str:
    out = io.StringIO()
    call_command("import_captions", source, form=form, output=output, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def lines(tmp_path) -> Path:
    return captions_write(tmp_path / "captions.csv", CSV)


def names(path: Path) -> list[str]:
    return [image["file_name"] for image in json.loads(path.read_text())["images"]]


def test_import_of_csv_writes_what_the_trainer_reads(tmp_path):
    dataset_write(tmp_path)
    text = "".join(f"{colour}-0.png|{caption}\n" for colour, captions in SAYINGS.items() for caption in captions)
    source = captions_write(tmp_path / "captions.txt", text)

    run(source, tmp_path / "imported.json")

    photos = dataset_read([tmp_path / "imported.json"], images=[tmp_path / "images"]).photos
    assert {photo.path.name.partition("-")[0]: list(photo.captions) for photo in photos} == SAYINGS


def test_import_tells_what_it_wrote_and_what_to_do_next(lines, tmp_path):
    out = run(lines, tmp_path / "a.json")

    assert f"{tmp_path / 'a.json'}: 10 photos, 20 captions" in out
    assert f"Next: manage.py inspect_dataset --captions {tmp_path / 'a.json'} --images" in out


def test_import_of_csv_ends_with_a_count_of_all_its_lines(tmp_path):
    text = "image,n,caption\n1.jpg,0,a dog\n1.jpg,1,a dog\n1.jpg,0,a dog\n2.jpg,0,\n2.jpg,1, ... \n2.jpg,2,a cat\n"
    source = captions_write(tmp_path / "captions.csv", text)

    *listed, last = run(source, tmp_path / "a.json", verbose=True).splitlines()

    assert last == "Captions: 6 found: 3 taken, 1 there already, 2 left out (2 without a word)."
    assert f"Left out: line 5 of {source} (without a word)" in listed
    written = json.loads((tmp_path / "a.json").read_text())["annotations"]
    assert [annotation["caption"] for annotation in written] == ["a dog", "a dog", "a cat"]


def test_import_of_karpathy_ends_with_a_count_of_all_its_sentences(tmp_path):
    images = [
        {"filename": f"{split}.jpg", "split": split, "sentences": [{"raw": "A dog ."}, {"raw": "A dog ."}, {"raw": ""}]}
        for split in ("train", "val")
    ]

    out = run(captions_write(tmp_path / "dataset.json", {"images": images}), tmp_path / "out", "karpathy")

    assert out.splitlines()[-1] == (
        "Captions: 6 found: 4 taken, 0 there already, 2 left out (2 without a word). --verbose names them."
    )


def test_import_of_csv_divides_by_photo(lines, tmp_path):
    run(lines, tmp_path / "out", validation=0.3)

    train, val = (names(tmp_path / "out" / f"captions_{split}.json") for split in ("train", "val"))
    assert (len(train), len(val)) == (7, 3)
    assert sorted(train + val) == [f"{number}.jpg" for number in range(10)]


def test_import_of_karpathy_writes_a_file_for_each_split(tmp_path):
    images = [
        {"filename": f"{split}.jpg", "split": split, "sentences": [{"raw": "A dog ."}]}
        for split in ("train", "restval", "val", "test")
    ]

    run(captions_write(tmp_path / "dataset.json", {"images": images}), tmp_path / "out", "karpathy")

    assert {path.name: names(path) for path in (tmp_path / "out").iterdir()} == {
        "captions_train.json": ["train.jpg", "restval.jpg"],
        "captions_val.json": ["val.jpg"],
        "captions_test.json": ["test.jpg"],
    }


def test_import_does_not_overwrite(lines, tmp_path):
    (tmp_path / "a.json").write_text("mine")

    with pytest.raises(CommandError, match=r"a\.json is there already: .*--force"):
        run(lines, tmp_path / "a.json")

    assert (tmp_path / "a.json").read_text() == "mine"


def test_import_writes_no_split_where_one_is_there_already(lines, tmp_path):
    captions_write(tmp_path / "captions_val.json", "mine")

    with pytest.raises(CommandError, match=r"captions_val\.json is there already"):
        run(lines, tmp_path, validation=0.5)

    assert not (tmp_path / "captions_train.json").exists()


def test_import_overwrites_by_force(lines, tmp_path):
    (tmp_path / "a.json").write_text("old")

    run(lines, tmp_path / "a.json", force=True)

    assert len(names(tmp_path / "a.json")) == 10


def test_import_does_not_overwrite_its_source_even_by_force(lines):
    with pytest.raises(CommandError, match="is the file that is read"):
        run(lines, lines, force=True)


def test_import_leaves_nothing_unfinished_behind(lines, tmp_path):
    run(lines, tmp_path / "out" / "a.json")

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("output", "options", "fault"),
    [
        (".", {}, "which is a folder: give the name of a file, or --validation"),
        ("captions.csv", {"validation": 0.5}, "which is a file: give a folder"),
        ("out", {"validation": 1.0}, "give one between 0 and 1"),
        ("out", {"form": "karpathy", "validation": 0.5}, "--validation is for csv"),
        ("out", {"form": "karpathy"}, r"captions\.csv is not JSON"),
    ],
)
def test_import_names_options_that_do_not_go_together(output, options, fault, lines, tmp_path):
    with pytest.raises(CommandError, match=fault):
        run(lines, tmp_path / output, **options)


def test_import_names_the_line_at_fault(tmp_path):
    source = captions_write(tmp_path / "captions.csv", "image,caption\na.jpg,a dog, running\n")

    with pytest.raises(CommandError, match=r"Line 2 of .* has 3 fields"):
        run(source, tmp_path / "a.json")

    assert not (tmp_path / "a.json").exists()
