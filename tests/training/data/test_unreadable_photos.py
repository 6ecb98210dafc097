"""Whether photos can be read: each kind of fault that the model's own preprocessing would meet."""

import warnings

import pytest
from PIL import Image

from tests.pictures import noise, picture, picture_write
from training.data.unreadable_photos import photos_unreadable


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
def test_photos_that_can_be_read_have_no_fault(kind, tmp_path):
    assert photos_unreadable([picture_write(tmp_path, f"a.{kind.lower()}", kind=kind)]) == {}


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_photos_cut_off_at_their_very_end_are_found(kind, tmp_path):
    content = noise(size=(400, 300), kind=kind)
    (tmp_path / "whole").write_bytes(content)
    (tmp_path / "cut").write_bytes(content[: int(0.9 * len(content))])

    found = photos_unreadable([tmp_path / "whole", tmp_path / "cut"])

    assert list(found) == [tmp_path / "cut"]
    assert "ends before the picture does" in found[tmp_path / "cut"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "empty"),
        (b"no picture", "not a picture"),
        (picture(kind="BMP"), "BMP files are not accepted"),
        (b"\x89PNG broken", "damaged"),
    ],
)
def test_photos_of_no_use_are_found_with_what_is_wrong(content, fault, tmp_path):
    (tmp_path / "a").write_bytes(content)

    assert fault in photos_unreadable([tmp_path / "a"])[tmp_path / "a"]


def test_photos_of_many_threads_leave_the_filters_of_warnings_as_they_were(tmp_path):
    paths = [picture_write(tmp_path, f"{number}.png", size=(8, 8), kind="PNG") for number in range(300)]
    before = list(warnings.filters)

    assert photos_unreadable(paths) == {}

    assert warnings.filters == before


def test_photos_are_told_apart_among_more_than_are_handed_out_at_once(tmp_path):
    good = picture_write(tmp_path, "good.png", size=(8, 8), kind="PNG")
    bad = tmp_path / "bad.png"
    bad.touch()
    paths = [tmp_path / f"{number}.png" for number in range(600)]
    for number, path in enumerate(paths):
        path.symlink_to(bad if number in {0, 255, 256, 599} else good)

    assert list(photos_unreadable(paths)) == [paths[0], paths[255], paths[256], paths[599]]


def test_photos_with_odd_metadata_can_be_read(tmp_path):
    # One entry, whose value would lie behind the end.
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x05\0\0\0\x09\0\0\xff\xff\0\0\0\0"
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", exif=exif)
    with pytest.warns(UserWarning, match="larger than file"), Image.open(tmp_path / "a.jpg") as image:
        image.getexif()

    assert photos_unreadable([tmp_path / "a.jpg"]) == {}
