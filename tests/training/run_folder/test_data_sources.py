"""What a run learns from."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.datasets import SAYINGS, dataset_write
from training.errors import DatasetError, TrainingError
from training.run_folder.data_sources import DataSources

SOURCES = DataSources(
    train_captions=(Path("/data/a.json"), Path("/data/b.json")),
    val_captions=(Path("/data/val.json"),),
    images=(Path("/data/images"),),
    start_from=Path("/models/first"),
    features=Path("/cache"),
    skip_bad=True,
)


@pytest.mark.parametrize("kept", [SOURCES, replace(SOURCES, start_from=None, features=None, skip_bad=False)])
def test_sources_come_back_from_json(kept):
    assert DataSources.from_dict(json.loads(json.dumps(kept.to_dict()))) == kept


def test_sources_are_kept_so_that_another_folder_finds_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    kept = DataSources(
        (Path("train.json"),), (Path("val.json"),), (Path("images"),), card_notes=Path("notes.md")
    ).to_dict()

    assert kept["train_captions"] == [str(tmp_path / "train.json")]
    assert kept["images"] == [str(tmp_path / "images")]
    assert kept["card_notes"] == str(tmp_path / "notes.md")
    assert kept["start_from"] is None


def test_sources_may_have_one_folder_of_photos_for_each_file(tmp_path):
    files = [dataset_write(tmp_path / name, size=(40 + n, 30)) for n, name in enumerate(("a", "b", "val"))]

    train, val = DataSources(
        tuple(files[:2]), tuple(files[2:]), tuple(file.parent / "images" for file in files)
    ).photos(report=lambda line: None)

    assert [photo.path.parent.parent.name for photo in train] == ["a"] * len(SAYINGS) + ["b"] * len(SAYINGS)
    assert {photo.path.parent.parent.name for photo in val} == {"val"}


def test_sources_may_have_one_folder_of_photos_for_all_files(tmp_path):
    train = dataset_write(tmp_path, "train.json")
    val = dataset_write(tmp_path, "val.json", prefix="val-", size=(50, 50))

    found = DataSources((train,), (val,), (tmp_path / "images",)).photos(report=lambda line: None)

    assert [[photo.path.name for photo in photos] for photos in found] == [
        [f"{prefix}{colour}-0.png" for colour in SAYINGS] for prefix in ("", "val-")
    ]


@pytest.fixture
def broken(tmp_path) -> DataSources:
    """Photos to train on, one of which is not there."""
    train = dataset_write(tmp_path / "train")
    val = dataset_write(tmp_path / "val", prefix="val-", size=(50, 50))
    (tmp_path / "train" / "images" / "red-0.png").unlink()
    return DataSources((train,), (val,), (train.parent / "images", val.parent / "images"))


def test_sources_report_what_they_leave_out_if_asked(broken):
    lines: list[str] = []

    train, val = replace(broken, skip_bad=True).photos(report=lines.append, verbose=True)

    assert (len(train), len(val)) == (3, 4)
    *left, captions, photos = lines
    assert f"Left out: {broken.images[0] / 'red-0.png'} (missing: there is no such file)" in left
    assert photos == "Photos: 8 found: 7 taken, 0 there already, 1 left out (1 missing)."
    assert captions == "Captions: 16 found: 14 taken, 0 there already, 2 left out (2 of a missing photo)."


def test_sources_in_one_folder_count_what_neither_part_names(tmp_path):
    files = [dataset_write(tmp_path, f"{name}.json", prefix=name) for name in ("a", "b", "c")]
    lines: list[str] = []

    DataSources(tuple(files[:1]), tuple(files[1:2]), (tmp_path / "images",)).photos(report=lines.append)

    assert lines[1].startswith("Photos: 12 found: 8 taken, 0 there already, 4 left out (4 in no captions file).")


def test_sources_with_a_bad_photo_are_refused(broken):
    with pytest.raises(DatasetError, match=r"1 of the 4 photos .*\(1 missing\).*--skip-bad"):
        broken.photos(report=pytest.fail)


def test_sources_with_a_photo_in_both_parts_are_refused(tmp_path):
    captions = dataset_write(tmp_path)

    with pytest.raises(DatasetError):
        DataSources((captions,), (captions,), (tmp_path / "images",)).photos(report=pytest.fail)


def test_notes_are_the_text_of_their_file(tmp_path):
    (tmp_path / "notes.md").write_text("Für Forschung", encoding="utf-8")

    assert replace(SOURCES, card_notes=tmp_path / "notes.md").notes() == "Für Forschung"


def test_notes_that_nobody_gave_are_empty():
    assert SOURCES.notes() == ""


def test_notes_that_are_not_there_are_told(tmp_path):
    with pytest.raises(TrainingError, match=r"notes .*none\.md cannot be read \(No such file.*Name another file"):
        replace(SOURCES, card_notes=tmp_path / "none.md").notes()


def test_notes_that_are_no_text_are_told(tmp_path):
    (tmp_path / "notes.md").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(TrainingError, match=r"notes .*notes\.md cannot be read \(.*utf-8.*Name another file"):
        replace(SOURCES, card_notes=tmp_path / "notes.md").notes()
