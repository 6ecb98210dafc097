"""`manage.py caption --coco`: photos that a COCO file names, and results in COCO's form."""

import io
import json
import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from tests.bundles import CAPTIONS
from worker.captioned_files import BATCH


@pytest.fixture
def images(tmp_path) -> Path:
    """A folder with a photo of each colour that the bundle knows."""
    folder: Path = tmp_path / "images"
    folder.mkdir()
    for colour in CAPTIONS:
        Image.new("RGB", (60, 40), colour).save(folder / f"{colour}.png")
    return folder


@pytest.fixture
def info(tmp_path, images):
    """Writes an image_info file of names by id, by default of all colours, and gives its path."""

    def write(names: dict[int, str] | None = None, **others: object) -> Path:
        names = names or {10 * number: f"{colour}.png" for number, colour in enumerate(CAPTIONS, start=1)}
        content = {"images": [{"id": image_id, "file_name": name} for image_id, name in names.items()]}
        path: Path = tmp_path / "image_info.json"
        path.write_text(json.dumps(content | others))
        return path

    return write


@pytest.fixture
def run(bundle, images, tmp_path):
    """Runs the command; gives what it said on stdout and stderr, and the error it ended with."""

    def run(coco: Path, **options: object) -> tuple[str, str, CommandError | None]:
        out, err = io.StringIO(), io.StringIO()
        given = {"bundle": bundle, "images": images, "output": tmp_path / "results.json"} | options
        try:
            call_command("caption", coco=coco, stdout=out, stderr=err, **given)
        except CommandError as error:
            return out.getvalue(), err.getvalue(), error
        return out.getvalue(), err.getvalue(), None

    return run


def test_coco_results_hold_a_caption_for_each_image(run, info, tmp_path):
    out, err, error = run(info())

    assert json.loads((tmp_path / "results.json").read_text()) == [
        {"image_id": 10 * number, "caption": caption} for number, caption in enumerate(CAPTIONS.values(), start=1)
    ]
    assert (out, error) == (f"{tmp_path / 'results.json'} holds captions of 4 photos.\n", None)
    assert err == "Photos: 4 found: 4 taken, 0 there already, 0 left out.\n"


def test_coco_results_of_more_images_than_a_batch_stay_with_their_ids(run, info, tmp_path):
    colours = [list(CAPTIONS)[number % 4] for number in range(BATCH + 3)]

    run(info({900 - number: f"{colour}.png" for number, colour in enumerate(colours)}))

    assert json.loads((tmp_path / "results.json").read_text()) == [
        {"image_id": 900 - number, "caption": CAPTIONS[colour]} for number, colour in enumerate(colours)
    ]


def test_coco_file_with_annotations_is_captioned_as_well(run, info, tmp_path):
    run(info(annotations=[{"id": 1, "image_id": 10, "caption": "x"}], categories=[]))

    assert len(json.loads((tmp_path / "results.json").read_text())) == 4


def test_coco_results_are_read_by_pycocotools(run, info, tmp_path, capsys):
    from pycocotools.coco import COCO

    file = info(annotations=[])
    run(file)

    assert COCO(str(file)).loadRes(str(tmp_path / "results.json")).imgToAnns[10][0]["caption"] == CAPTIONS["red"]
    capsys.readouterr()


def test_coco_bad_photos_are_named_and_the_others_written(run, info, images, tmp_path):
    (images / "blue.png").write_bytes(b"broken")
    (images / "black.png").unlink()

    _, err, error = run(info())

    assert [entry["image_id"] for entry in json.loads((tmp_path / "results.json").read_text())] == [10, 30]
    first, second, tally = err.splitlines()
    assert tally == "Photos: 4 found: 2 taken, 0 there already, 2 left out (1 not an image, 1 unreadable)."
    assert first.startswith(f"{images / 'blue.png'}: error: The file is not a picture")
    assert second.startswith(f"{images / 'black.png'}: error: The file cannot be opened")
    assert error is not None
    assert error.returncode == 1
    assert "2 of 4 photos could not be captioned: see above." in str(error)
    assert "--skip-bad" in str(error)


def test_coco_files_that_are_not_named_are_counted_and_named_if_asked(run, info, images, tmp_path):
    (images / "below").mkdir()
    (images / "below" / "notes.txt").write_text("no picture")

    _, err, error = run(info({1: "red.png"}), verbose=True)

    assert error is None
    assert f"Left out: {images / 'below' / 'notes.txt'} (not in image_info.json)" in err.splitlines()
    assert err.endswith("Photos: 5 found: 1 taken, 0 there already, 4 left out (4 not in image_info.json).\n")


def test_coco_bad_photos_may_be_left_out(run, info, images, tmp_path):
    (images / "blue.png").unlink()

    _, err, error = run(info(), skip_bad=True)

    assert error is None
    assert str(images / "blue.png") in err
    assert "1 of 4 photos could not be captioned" in err
    assert len(json.loads((tmp_path / "results.json").read_text())) == 3


def test_coco_results_without_a_photo_are_not_written(run, info, tmp_path):
    _, _, error = run(info(), images=tmp_path, skip_bad=True)

    assert "4 of 4 photos could not be captioned: see above. Nothing was written: check --images" in str(error)
    assert not (tmp_path / "results.json").exists()


def test_coco_results_leave_nothing_unfinished_behind(run, info, tmp_path):
    run(info())

    assert sorted(path.name for path in tmp_path.iterdir()) == ["image_info.json", "images", "results.json"]


def test_coco_results_are_the_former_ones_or_the_new_ones(run, info, tmp_path):
    (tmp_path / "results.json").write_text("old")
    (tmp_path / "results.json.partial").mkdir()

    _, _, error = run(info())

    assert f"{tmp_path / 'results.json'} could not be written" in str(error)
    assert (tmp_path / "results.json").read_text() == "old"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "is not COCO JSON (Expecting value"),
        ("\udcff", "is not COCO JSON ('utf-8' codec"),
        ("[]", 'is not COCO JSON (it has no list "images")'),
        ('{"images": {}}', 'is not COCO JSON (it has no list "images")'),
        ('{"images": []}', 'names no photo: "images" is empty'),
        ('{"images": ["a.jpg"]}', "images[0] in"),
        ('{"images": [{"file_name": "a.jpg"}]}', "is None: it must be a whole number"),
        ('{"images": [{"id": "7", "file_name": "a.jpg"}]}', "is '7': it must be a whole number"),
        ('{"images": [{"id": 7}]}', "is None: it must be the name of a file"),
        ('{"images": [{"id": 7, "file_name": "../a.jpg"}]}', "'../a.jpg', outside of"),
        ('{"images": [{"id": 7, "file_name": "/a.jpg"}]}', "'/a.jpg', outside of"),
        ('{"images": [{"id": 7, "file_name": "a"}, {"id": 7, "file_name": "b"}]}', "1 image ids stand more than once"),
    ],
)
def test_coco_file_of_another_form_is_refused(content, fault, run, tmp_path):
    (tmp_path / "info.json").write_text(content, encoding="utf-8", errors="surrogateescape")

    _, _, error = run(tmp_path / "info.json")

    assert fault in str(error)
    assert str(tmp_path / "info.json") in str(error)


def test_coco_file_that_is_not_there_is_named(run, tmp_path):
    assert "none.json cannot be read (No such file" in str(run(tmp_path / "none.json")[2])


def test_coco_folder_that_is_not_there_is_named(run, info, tmp_path):
    assert f"no folder of photos {tmp_path / 'none'}" in str(run(info(), images=tmp_path / "none")[2])


def test_coco_results_do_not_overwrite_a_photo(run, info, images):
    assert "is one of the photos" in str(run(info(), output=images / "red.png")[2])


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"images": None}, "--coco needs --images too"),
        ({"output": None}, "--coco needs --output too"),
        ({"json": True}, "--json is for photos named one by one"),
        ({"attention": Path("figure.png")}, "--attention is for photos named one by one"),
        ({"beam": 0}, "--beam is 0; give 1 or more"),
    ],
)
def test_coco_options_that_do_not_go_together_are_refused(options, fault, run, info):
    assert fault in str(run(info(), **options)[2])


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        (".", "which is a folder"),
        ("none/results.json", "make it first"),
        ("image_info.json", "is the --coco file"),
    ],
)
def test_coco_results_in_a_place_that_cannot_be_are_refused(output, fault, run, info, tmp_path):
    assert fault in str(run(info(), output=tmp_path / output)[2])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_coco_results_in_a_folder_of_another_are_refused(run, info, tmp_path):
    (tmp_path / "theirs").mkdir(mode=0o555)

    assert "may not write" in str(run(info(), output=tmp_path / "theirs" / "results.json")[2])


@pytest.mark.parametrize("option", ["images", "output", "skip_bad"])
def test_caption_options_of_coco_need_the_file(option, tmp_path):
    with pytest.raises(CommandError, match=f"--{option.replace('_', '-')} is for photos that a --coco file names"):
        call_command("caption", "a.png", **{option: tmp_path})


def test_caption_of_photos_and_of_a_coco_file_is_refused(tmp_path):
    with pytest.raises(CommandError, match=r"Give either photos or --coco, not both: a\.png"):
        call_command("caption", "a.png", coco=tmp_path / "info.json")


def test_caption_of_nothing_says_what_to_name():
    with pytest.raises(CommandError, match="Name the photos to caption, or a --coco file"):
        call_command("caption")
