"""Karpathy's dataset_*.json, read with its splits."""

import pytest

from captioner.tally import Tally
from tests.training.datasets import captions_write
from training.data.captions_import import ImportedPhoto
from training.data.captions_karpathy import karpathy_read
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
        ([image("a.jpg"), image("a.jpg", "val")], r"images\[1\] .* and images\[0\] are the same photo, a\.jpg"),
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
