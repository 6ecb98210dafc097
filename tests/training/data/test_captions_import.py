"""Karpathy's JSON made into COCO's form, photos divided, COCO's form written."""

import json

import pytest

from captioner.tally import Tally
from tests.training.datasets import captions_write
from training.data.captions_import import ImportedPhoto, captions_json, karpathy_read, photos_divide
from training.errors import DatasetError


def image(name: str, split: str = "train", *captions: str, **others: object) -> dict[str, object]:
    return {"filename": name, "split": split, "sentences": [{"raw": text, "tokens": []} for text in captions]} | others


def karpathy(tmp_path, *images: object) -> dict[str, list[ImportedPhoto]]:
    return karpathy_read(
        captions_write(tmp_path / "dataset.json", {"images": list(images), "dataset": "coco"}), Tally()
    )


def test_karpathy_photos_go_to_their_splits_and_restval_to_train(tmp_path):
    splits = karpathy(
        tmp_path,
        image("a.jpg", "train", "A dog .", "a dog"),
        image("b.jpg", "val", "b"),
        image("c.jpg", "restval", "c"),
        image("d.jpg", "test", "d"),
    )

    assert splits == {
        "train": [ImportedPhoto("a.jpg", ("A dog .", "a dog")), ImportedPhoto("c.jpg", ("c",))],
        "val": [ImportedPhoto("b.jpg", ("b",))],
        "test": [ImportedPhoto("d.jpg", ("d",))],
    }


def test_karpathy_splits_without_a_photo_are_left_out(tmp_path):
    assert list(karpathy(tmp_path, image("b.jpg", "val", "b"))) == ["val"]


def test_karpathy_file_path_is_the_folder_of_the_photo(tmp_path):
    (photo,) = karpathy(tmp_path, image("a.jpg", "train", "a", filepath="train2014"))["train"]

    assert photo.file_name == "train2014/a.jpg"


def test_karpathy_ids_are_cocos_where_all_have_one(tmp_path):
    photos = karpathy(tmp_path, image("a.jpg", cocoid=522418, imgid=0), image("b.jpg", cocoid=184613, imgid=1))["train"]

    assert [photo.id for photo in photos] == [522418, 184613]


def test_karpathy_ids_are_his_own_where_cocos_are_missing(tmp_path):
    photos = karpathy(tmp_path, image("a.jpg", cocoid=522418, imgid=4), image("b.jpg", imgid=5))["train"]

    assert [photo.id for photo in photos] == [4, 5]


def test_karpathy_ids_that_clash_are_not_taken(tmp_path):
    photos = karpathy(tmp_path, image("a.jpg", imgid=4), image("b.jpg", imgid=4))["train"]

    assert [photo.id for photo in photos] == [None, None]


def test_karpathy_blank_captions_are_left_out_and_their_photo_kept(tmp_path):
    assert karpathy(tmp_path, image("a.jpg", "train", " ", ""))["train"] == [ImportedPhoto("a.jpg", ())]


@pytest.mark.parametrize(
    ("images", "fault"),
    [
        ([], "is not of Karpathy's form"),
        ([image("a.jpg"), image("b.jpg", "dev")], r'"split" of images\[1\] in .*dataset\.json is .dev.*train, restval'),
        ([{"filename": "a.jpg", "sentences": []}], r'"split" of images\[0\] .* is None'),
        ([{"split": "train", "sentences": []}], r'images\[0\] .* has no "filename"'),
        ([{"filename": "a.jpg", "split": "train"}], r'images\[0\] .* has no "sentences"'),
        ([{"filename": "a.jpg", "split": "train", "sentences": [{}]}], r'images\[0\] .* has no "raw"'),
        (
            [{"filename": "a.jpg", "split": "train", "sentences": ["a dog"]}],
            r"images\[0\] .* is not of Karpathy's form",
        ),
        ([{"filename": "a.jpg", "split": "train", "sentences": [{"raw": 5}]}], r"images\[0\] .* not of Karpathy's"),
        ([{"filename": 5, "split": "train", "sentences": []}], r'"filename" of images\[0\] .* is 5: it must be text'),
        (["a.jpg"], r"images\[0\] .* is not of Karpathy's form"),
        ([image("../a.jpg")], r"photo of images\[0\] .* leaves its folder"),
        ([image("a.jpg"), image("a.jpg", "val")], r"images\[1\] .* is a\.jpg, as is images\[0\]"),
    ],
)
def test_karpathy_file_of_another_form_is_refused_with_the_place(images, fault, tmp_path):
    with pytest.raises(DatasetError, match=fault):
        karpathy(tmp_path, *images)


def test_karpathy_file_that_is_no_json_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"dataset\.json is not JSON \(Expecting"):
        karpathy_read(captions_write(tmp_path / "dataset.json", "image,caption"), Tally())


def test_karpathy_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"none\.json cannot be read \(No such file"):
        karpathy_read(tmp_path / "none.json", Tally())


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
