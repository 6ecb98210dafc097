"""One COCO captions file: what is read, and what is refused before training starts."""

import json

import pytest

from captioner.vocabulary import caption_tokens
from tests.training.datasets import captions_write
from training.data.coco_captions import caption_has_words, captions_file_read, captions_read
from training.errors import DatasetError

IMAGE = {"id": 1, "file_name": "a.jpg"}
CAPTION = {"id": 1, "image_id": 1, "caption": "a dog"}


def write(tmp_path, *, images=(IMAGE,), annotations=(CAPTION,), **others):
    content = {"images": list(images), "annotations": list(annotations)} | others
    return captions_write(tmp_path / "captions.json", content)


def test_captions_file_is_read_in_order_of_id(tmp_path):
    images = [{"id": 7, "file_name": "b.jpg"}, {"id": 3, "file_name": "sub/a.jpg"}]
    annotations = [
        {"id": 1, "image_id": 7, "caption": "one"},
        {"id": 2, "image_id": 3, "caption": "two"},
        {"id": 3, "image_id": 7, "caption": "three"},
    ]

    entries = captions_file_read(write(tmp_path, images=images, annotations=annotations))

    assert [(entry.id, entry.file_name, entry.captions) for entry in entries] == [
        (3, "sub/a.jpg", ("two",)),
        (7, "b.jpg", ("one", "three")),
    ]


def test_captions_file_leaves_out_captions_without_a_word(tmp_path):
    annotations = [CAPTION | {"id": number, "caption": text} for number, text in enumerate(["", " \n", "...", "a dog"])]

    (entry,) = captions_file_read(write(tmp_path, annotations=annotations))

    assert entry.captions == ("a dog",)


@pytest.mark.parametrize("caption", ["", "  ", "...", "!?", "a", "7", "-x-", "né", "“ ”", "犬"])
def test_caption_has_words_where_the_tokenizer_finds_any(caption):
    assert caption_has_words(caption) == bool(caption_tokens(caption))


def test_captions_file_keeps_an_image_without_a_caption(tmp_path):
    entries = captions_file_read(write(tmp_path, images=[IMAGE, {"id": 2, "file_name": "b.jpg"}]))

    assert [entry.captions for entry in entries] == [("a dog",), ()]


def test_captions_file_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "captions.json"
    path.write_text(json.dumps({"images": [IMAGE], "annotations": [CAPTION]}), encoding="utf-8-sig")

    assert len(captions_file_read(path)) == 1


def test_captions_file_may_hold_whatever_else_coco_has(tmp_path):
    assert len(captions_file_read(write(tmp_path, info={}, licenses=[], categories=[{"id": 1}]))) == 1


def test_captions_file_prints_nothing(tmp_path, capsys):
    captions_file_read(write(tmp_path))

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[" * 100_000, "recursion"),
        ("[]", "a JSON list"),
        ('"text"', "a JSON str"),
        ({}, 'it has no "images"'),
        ({"images": [IMAGE]}, 'it has no "annotations".*manage.py caption --coco'),
        ({"images": 3, "annotations": []}, '"images" is a int, no list'),
        ({"images": ["a.jpg"], "annotations": []}, r"images\[0\] is no object"),
        ({"images": [{"id": 1}], "annotations": []}, r'images\[0\] has no "file_name"'),
        ({"images": [IMAGE, {"file_name": "b"}], "annotations": []}, r'images\[1\] has no "id"'),
        ({"images": [{"id": "x", "file_name": "b"}], "annotations": []}, r'has "id": "x", no whole number'),
        ({"images": [{"id": 1, "file_name": 5}], "annotations": []}, r'has "file_name": 5, no text'),
        ({"images": [IMAGE], "annotations": [{"id": 1, "image_id": 1}]}, r'annotations\[0\] has no "caption"'),
        ({"images": [IMAGE], "annotations": [CAPTION | {"caption": None}]}, r'has "caption": null, no text'),
        (
            {"images": [IMAGE], "annotations": [{"id": 1, "image_id": 1, "category_id": 4}]},
            r'has no "caption". Is it a file of instances\? Take the one of captions',
        ),
    ],
)
def test_captions_file_of_another_form_is_refused(content, fault, tmp_path):
    captions = captions_write(tmp_path / "captions.json", content)

    with pytest.raises(DatasetError, match=rf"captions\.json is not COCO captions JSON \(.*{fault}"):
        captions_file_read(captions)


def test_captions_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "captions.json").write_bytes(b"\xff\xd8\xff\xe0")

    with pytest.raises(DatasetError, match=r"captions\.json is not COCO captions JSON"):
        captions_file_read(tmp_path / "captions.json")


def test_captions_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"no captions file .*none\.json"):
        captions_file_read(tmp_path / "none.json")


def test_captions_file_that_is_a_folder_is_named(tmp_path):
    with pytest.raises(DatasetError, match=rf"{tmp_path} cannot be read \(Is a directory\)"):
        captions_file_read(tmp_path)


def test_captions_file_without_an_image_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r'captions\.json names no photo: "images" is empty'):
        captions_file_read(write(tmp_path, images=[], annotations=[]))


def test_captions_of_images_that_are_not_in_the_file_are_counted_and_named(tmp_path):
    annotations = [CAPTION, CAPTION | {"id": 2, "image_id": 8}, CAPTION | {"id": 3, "image_id": 9}]

    with pytest.raises(DatasetError, match=r"2 image ids of annotations in .*captions\.json .*: 8, 9\. Add those"):
        captions_file_read(write(tmp_path, annotations=annotations))


def test_images_with_one_id_are_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"1 image ids stand more than once in .*captions\.json: 1\."):
        captions_file_read(write(tmp_path, images=[IMAGE, IMAGE | {"file_name": "b.jpg"}]))


@pytest.mark.parametrize("name", ["/etc/passwd", "../a.jpg", "sub/../../a.jpg", "C:\\a.jpg", "", "  ", "a\0.jpg"])
def test_file_names_outside_of_the_folder_are_refused(name, tmp_path):
    images = [IMAGE, {"id": 2, "file_name": name}]

    with pytest.raises(DatasetError, match=r'"file_name" of images\[1\] in .*captions\.json is .*within the folder'):
        captions_file_read(write(tmp_path, images=images))


def test_captions_read_joins_files(tmp_path):
    one = write(tmp_path)
    other = captions_write(tmp_path / "other.json", {"images": [IMAGE], "annotations": [CAPTION | {"caption": "x"}]})

    assert captions_read([one, other]) == ["a dog", "x"]


def test_captions_read_without_a_word_names_the_file(tmp_path):
    with pytest.raises(DatasetError, match=r"no caption with a word in .*captions\.json"):
        captions_read([write(tmp_path, annotations=[CAPTION | {"caption": "..."}])])
