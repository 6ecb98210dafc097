"""Data sets: files and folders joined, bad photos named, splits kept apart."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.training.datasets import SAYINGS, captions_write, dataset_write
from training.data.dataset import dataset_examine, dataset_read, splits_check
from training.errors import DatasetError


def coco(path: Path, photos: dict[int, tuple[str, list[str]]]) -> Path:
    """A captions file of id -> (file name, captions)."""
    annotations = [(image_id, text) for image_id, (_, texts) in photos.items() for text in texts]
    return captions_write(
        path,
        {
            "images": [{"id": image_id, "file_name": name} for image_id, (name, _) in photos.items()],
            "annotations": [
                {"id": number, "image_id": image_id, "caption": text}
                for number, (image_id, text) in enumerate(annotations)
            ],
        },
    )


def test_dataset_of_one_file_keeps_cocos_ids(tmp_path):
    dataset_write(tmp_path)
    captions = coco(tmp_path / "a.json", {70: ("red-0.png", ["red"]), 9: ("blue-0.png", ["blue"])})

    dataset = dataset_read([captions], images=[tmp_path / "images"])

    assert [(photo.id, photo.path, photo.captions) for photo in dataset.photos] == [
        (9, tmp_path / "images" / "blue-0.png", ("blue",)),
        (70, tmp_path / "images" / "red-0.png", ("red",)),
    ]
    assert dataset.bad == []


def test_dataset_of_several_files_and_folders_has_ids_of_its_own_where_they_clash(tmp_path):
    files = [dataset_write(tmp_path / name) for name in ("one", "other")]

    dataset = dataset_read(files, images=[tmp_path / "one" / "images", tmp_path / "other" / "images"])

    assert [photo.id for photo in dataset.photos] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [photo.path.parts[-3] for photo in dataset.photos] == ["one"] * 4 + ["other"] * 4
    assert [list(photo.captions) for photo in dataset.photos] == [*SAYINGS.values()] * 2


def test_dataset_ids_do_not_clash_with_those_of_a_later_file(tmp_path):
    dataset_write(tmp_path)
    files = [
        coco(tmp_path / "a.json", {1: ("red-0.png", ["red"])}),
        coco(tmp_path / "b.json", {1: ("blue-0.png", ["blue"]), 2: ("white-0.png", ["white"])}),
    ]

    dataset = dataset_read(files, images=[tmp_path / "images"])

    assert {photo.path.name: photo.id for photo in dataset.photos} == {
        "red-0.png": 1,
        "blue-0.png": 3,
        "white-0.png": 2,
    }


def test_dataset_joins_the_captions_of_a_photo_in_two_files(tmp_path):
    dataset_write(tmp_path)
    files = [
        coco(tmp_path / "a.json", {5: ("red-0.png", ["red", "a dog"])}),
        coco(tmp_path / "b.json", {6: ("./red-0.png", ["a dog", "it runs"])}),
    ]

    (photo,) = dataset_read(files, images=[tmp_path / "images"]).photos

    assert (photo.id, photo.captions) == (5, ("red", "a dog", "it runs"))


def test_dataset_knows_a_photo_through_a_link(tmp_path):
    dataset_write(tmp_path)
    (tmp_path / "link.png").symlink_to(tmp_path / "images" / "red-0.png")
    files = [
        coco(tmp_path / "a.json", {5: ("red-0.png", ["red"])}),
        coco(tmp_path / "b.json", {6: ("link.png", ["dog"])}),
    ]

    (photo,) = dataset_read(files, images=[tmp_path / "images", tmp_path]).photos

    assert photo.captions == ("red", "dog")


def test_dataset_photo_captioned_in_one_of_two_files_is_not_captionless(tmp_path):
    dataset_write(tmp_path)
    files = [
        coco(tmp_path / "a.json", {5: ("red-0.png", [])}),
        coco(tmp_path / "b.json", {6: ("red-0.png", ["dog"])}),
    ]

    assert [photo.captions for photo in dataset_read(files, images=[tmp_path / "images"]).photos] == [("dog",)]


def harmed(tmp_path: Path) -> Path:
    """A data set with a photo of each fault, and a good one."""
    captions = dataset_write(tmp_path)
    content = json.loads(captions.read_text())
    for annotation in content["annotations"]:
        if annotation["image_id"] == 1:
            annotation["caption"] = "  "
    captions.write_text(json.dumps(content))
    (tmp_path / "images" / "blue-0.png").unlink()
    path = tmp_path / "images" / "white-0.png"
    path.write_bytes(path.read_bytes()[:-30])
    return captions


def test_dataset_bad_photos_are_counted_and_named_with_the_remedy(tmp_path):
    captions = harmed(tmp_path)

    with pytest.raises(DatasetError) as caught:
        dataset_read([captions], images=[tmp_path / "images"])

    message = str(caught.value)
    assert message.startswith(f"3 of the 4 photos in {captions} are bad (1 captionless, 1 missing, 1 unreadable): ")
    assert f"{tmp_path / 'images' / 'red-0.png'} (captionless: no caption with a word in {captions})" in message
    assert "blue-0.png (missing: there is no such file)" in message
    assert "white-0.png (unreadable: The file ends before the picture does" in message
    assert message.endswith("or leave them out with --skip-bad.")


def test_dataset_leaves_bad_photos_out_if_asked(tmp_path):
    dataset = dataset_read([harmed(tmp_path)], images=[tmp_path / "images"], skip_bad=True)

    assert [photo.path.name for photo in dataset.photos] == ["black-0.png"]
    assert [(Path(bad.file).name, bad.reason) for bad in dataset.bad] == [
        ("red-0.png", "captionless"),
        ("blue-0.png", "missing"),
        ("white-0.png", "unreadable"),
    ]


def test_dataset_names_only_the_first_few_of_many_bad_photos(tmp_path):
    captions = dataset_write(tmp_path, copies=3)
    for path in (tmp_path / "images").glob("*-[12].png"):
        path.unlink()

    with pytest.raises(
        DatasetError, match=r"8 of the 12 photos .*\(8 missing\): .*red-1\.png.* and 3 more\. "
    ) as caught:
        dataset_read([captions], images=[tmp_path / "images"])

    assert str(caught.value).count(".png") == 5


def test_dataset_of_bad_photos_alone_is_refused_even_if_they_may_be_left_out(tmp_path):
    captions = dataset_write(tmp_path)
    (tmp_path / "empty").mkdir()

    with pytest.raises(DatasetError, match=r"4 of the 4 photos .*\(4 missing\).*No photo is left"):
        dataset_read([captions], images=[tmp_path / "empty"], skip_bad=True)


def test_dataset_examined_may_hold_bad_photos_alone(tmp_path):
    captions = dataset_write(tmp_path)
    shutil.rmtree(tmp_path / "images")
    (tmp_path / "images").mkdir()

    dataset = dataset_examine([captions], images=[tmp_path / "images"])

    assert (len(dataset.photos), [bad.reason for bad in dataset.bad]) == (0, ["missing"] * 4)


def test_dataset_does_not_wait_for_a_pipe_in_place_of_a_photo(tmp_path):
    dataset_write(tmp_path)
    os.mkfifo(tmp_path / "images" / "pipe.png")
    captions = coco(tmp_path / "a.json", {1: ("red-0.png", ["red"]), 2: ("pipe.png", ["pipe"])})

    (bad,) = dataset_read([captions], images=[tmp_path / "images"], skip_bad=True).bad

    assert bad.reason == "missing"


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "loop.png"])
def test_dataset_photo_with_a_name_that_the_system_refuses_is_missing(name, tmp_path):
    dataset_write(tmp_path)
    (tmp_path / "images" / "loop.png").symlink_to("loop.png")
    captions = coco(tmp_path / "a.json", {1: ("red-0.png", ["red"]), 2: (name, ["long"])})

    (bad,) = dataset_read([captions], images=[tmp_path / "images"], skip_bad=True).bad

    assert bad.reason == "missing"


def test_dataset_is_silent_where_there_is_no_terminal(tmp_path, capfd):
    dataset_read([dataset_write(tmp_path)], images=[tmp_path / "images"])

    assert capfd.readouterr() == ("", "")


def test_dataset_folders_must_match_the_files(tmp_path):
    captions = dataset_write(tmp_path)

    with pytest.raises(DatasetError, match="2 folders of photos were given for 3 captions files: give one"):
        dataset_read([captions] * 3, images=[tmp_path, tmp_path])


def test_dataset_without_a_file_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="No captions file was given"):
        dataset_read([], images=[tmp_path])


def test_dataset_without_the_folder_names_it(tmp_path):
    with pytest.raises(DatasetError, match=r"no folder of photos .*elsewhere"):
        dataset_read([dataset_write(tmp_path)], images=[tmp_path / "elsewhere"])


def split(captions: Path, images: Path):
    return dataset_read([captions], images=[images]).photos


def test_splits_of_different_photos_pass(tmp_path):
    one = split(dataset_write(tmp_path / "one"), tmp_path / "one" / "images")
    other = split(dataset_write(tmp_path / "other", size=(44, 30)), tmp_path / "other" / "images")

    splits_check(one, other)  # of the same names, in other folders: other pictures


def test_splits_with_the_same_photos_are_refused(tmp_path):
    dataset_write(tmp_path)
    files = {"red-0.png": 1, "blue-0.png": 2, "white-0.png": 3}
    train = coco(tmp_path / "a.json", {n: (name, ["x"]) for name, n in files.items()})
    validation = coco(
        tmp_path / "b.json", {9: ("./white-0.png", ["y"]), 8: ("black-0.png", ["y"]), 10: ("red-0.png", ["y"])}
    )

    with pytest.raises(
        DatasetError, match=r"2 photos are in the training set and in the validation set: white-0\.png, red"
    ):
        splits_check(split(train, tmp_path / "images"), split(validation, tmp_path / "images"))


def test_splits_with_a_link_to_the_same_photo_are_refused(tmp_path):
    train = split(dataset_write(tmp_path), tmp_path / "images")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "new.png").symlink_to(tmp_path / "images" / "red-0.png")

    with pytest.raises(DatasetError, match=r"1 photos are in .*new\.png"):
        splits_check(train, split(coco(tmp_path / "b.json", {1: ("new.png", ["y"])}), tmp_path / "other"))


def test_splits_with_a_copy_of_a_photo_under_its_name_are_refused(tmp_path):
    train = split(dataset_write(tmp_path / "one"), tmp_path / "one" / "images")
    validation = split(dataset_write(tmp_path / "other"), tmp_path / "other" / "images")

    with pytest.raises(DatasetError, match="4 photos are in the training set and in the validation set"):
        splits_check(train, validation)
