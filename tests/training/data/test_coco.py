"""COCO captions JSON: what is read, and what is refused before training starts."""

import pytest

from tests.training.datasets import SAYINGS, captions_write, dataset_write
from training.data.coco import captioned_photos
from training.errors import DatasetError


def test_captioned_photos_are_read_in_order_of_id(tmp_path):
    captions = dataset_write(tmp_path)

    photos = captioned_photos(captions, images=tmp_path / "images")

    assert [photo.id for photo in photos] == [1, 2, 3, 4]
    assert [photo.path.name for photo in photos] == [f"{colour}-0.png" for colour in SAYINGS]
    assert [list(photo.captions) for photo in photos] == list(SAYINGS.values())


def test_captioned_photos_leave_out_those_without_a_caption(tmp_path):
    dataset_write(tmp_path)
    captions = captions_write(
        tmp_path / "some.json",
        {
            "images": [{"id": 1, "file_name": "red-0.png"}, {"id": 2, "file_name": "blue-0.png"}],
            "annotations": [{"id": 1, "image_id": 2, "caption": "blue"}],
        },
    )

    assert [photo.id for photo in captioned_photos(captions, images=tmp_path / "images")] == [2]


def test_captioned_photos_print_nothing(tmp_path, capsys):
    captioned_photos(dataset_write(tmp_path), images=tmp_path / "images")

    assert capsys.readouterr().out == ""


def test_captioned_photos_name_the_photos_that_are_missing(tmp_path):
    captions = dataset_write(tmp_path, copies=3)
    for path in (tmp_path / "images").glob("*-[12].png"):
        path.unlink()

    with pytest.raises(DatasetError, match=r"8 of the 12 photos .* red-1.png, .*, \.\.\.") as caught:
        captioned_photos(captions, images=tmp_path / "images")

    assert str(caught.value).count(".png") == 5


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '"text"',
        "{}",
        {"images": []},
        {"images": [{"id": 1}], "annotations": [{"id": 1, "image_id": 1, "caption": "x"}]},
        {"images": [{"id": 1, "file_name": "a"}], "annotations": [{"id": 1, "image_id": 1}]},
        {"images": 3, "annotations": []},
    ],
)
def test_captioned_photos_refuse_json_of_another_form(content, tmp_path):
    (tmp_path / "images").mkdir()
    captions = captions_write(tmp_path / "captions.json", content)

    with pytest.raises(DatasetError, match=r"captions\.json (is not COCO captions JSON|holds no photo)"):
        captioned_photos(captions, images=tmp_path / "images")


def test_captioned_photos_without_the_file_name_it(tmp_path):
    with pytest.raises(DatasetError, match=r"no captions file .*none\.json"):
        captioned_photos(tmp_path / "none.json", images=tmp_path)


def test_captioned_photos_without_the_folder_name_it(tmp_path):
    captions = dataset_write(tmp_path)

    with pytest.raises(DatasetError, match=r"no folder of photos .*elsewhere"):
        captioned_photos(captions, images=tmp_path / "elsewhere")
