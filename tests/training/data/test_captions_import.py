"""Imported photos: divided, and written in COCO's form."""

import json

import pytest

from training.data.captions_import import ImportedPhoto, captions_json, photos_divide
from training.errors import DatasetError

PHOTOS = [ImportedPhoto(f"{number}.jpg", (f"caption {number}",)) for number in range(40)]


def test_photos_divided_are_in_one_part_each_in_their_order():
    parts = photos_divide(PHOTOS, share=0.25)

    assert {split: len(photos) for split, photos in parts.items()} == {"train": 30, "val": 10}
    assert [photo for photo in PHOTOS if photo in parts["train"]] == parts["train"]
    assert [photo for photo in PHOTOS if photo not in parts["train"]] == parts["val"]


def test_photos_are_divided_alike_whatever_their_order():
    parts, again = photos_divide(PHOTOS, share=0.25), photos_divide(PHOTOS[::-1], share=0.25)

    assert {photo.file_name for photo in parts["val"]} == {photo.file_name for photo in again["val"]}


@pytest.mark.parametrize(("share", "validation"), [(0.001, 1), (0.999, 39)])
def test_photos_divided_leave_no_part_empty(share, validation):
    assert len(photos_divide(PHOTOS, share=share)["val"]) == validation


@pytest.mark.parametrize("share", [0, 1, -0.1, 10, float("nan")])
def test_photos_are_not_divided_by_a_share_that_is_none(share):
    with pytest.raises(DatasetError, match="give one between 0 and 1"):
        photos_divide(PHOTOS, share=share)


def test_one_photo_cannot_be_divided():
    with pytest.raises(DatasetError, match="1 photo cannot be divided"):
        photos_divide(PHOTOS[:1], share=0.5)


def test_captions_json_has_cocos_form():
    photos = [
        ImportedPhoto("a.jpg", ("Un café.", "b"), 7),
        ImportedPhoto("b.jpg", (), 3),
        ImportedPhoto("c", ("c",), 5),
    ]

    assert json.loads(captions_json(photos)) == {
        "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 3, "file_name": "b.jpg"}, {"id": 5, "file_name": "c"}],
        "annotations": [
            {"id": 1, "image_id": 7, "caption": "Un café."},
            {"id": 2, "image_id": 7, "caption": "b"},
            {"id": 3, "image_id": 5, "caption": "c"},
        ],
    }


def test_captions_json_numbers_photos_where_one_has_no_id():
    photos = [ImportedPhoto("a.jpg", (), 7), ImportedPhoto("b.jpg", ())]

    assert [image["id"] for image in json.loads(captions_json(photos))["images"]] == [1, 2]
