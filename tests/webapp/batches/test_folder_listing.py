"""What lies in a folder: every file is found, and each that is not taken has a reason."""

import inspect
import os
import socket
import sys
from pathlib import Path

import pytest

from tests.pictures import picture, picture_write
from webapp.batches.errors import BatchRejected
from webapp.batches.folder_listing import folder_found

BMP = b"BM\x9a\x00\x00\x00\x00\x00\x00\x00" + bytes(40)
JP2 = b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40)


def codes(folder: Path) -> dict[str, str]:
    return {file.path: file.code for file in folder_found(folder)}


@pytest.mark.parametrize("name", ["a.jpg", "A.JPEG", "a.jfif", "a.pjpeg", "a.jpg_large", "no suffix", "a.txt"])
def test_folder_takes_a_photo_whatever_its_suffix(tmp_path: Path, name: str) -> None:
    picture_write(tmp_path, name)
    assert codes(tmp_path) == {name: ""}


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.bmp", BMP, "unsupported_format"),
        ("a.jpg", BMP, "unsupported_format"),
        ("a.jp2", JP2, "unsupported_format"),
        ("a.dng", b"II*\0" + bytes(40), "unsupported_format"),
        ("A.NEF", b"MM\0*" + bytes(40), "unsupported_format"),
        ("a.txt", b"hello", "not_a_picture"),
        ("BMW.txt", b"BMW is a maker of cars", "not_a_picture"),
        ("movie.mp4", b"\0\0\0\x20ftypisom" + bytes(40), "not_a_picture"),
        ("empty", b"", "not_a_picture"),
        (".hidden.jpg", picture("red"), "hidden"),
        ("Thumbs.db", b"x", "clutter"),
        ("broken.jpg", b"x", ""),  # tried: its owner is told what is wrong with it
        ("empty.jpg", b"", ""),
    ],
)
def test_folder_says_why_a_file_is_left_out(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert codes(tmp_path) == {name: code}


def test_folder_names_what_raw_files_and_foreign_pictures_are_to_become(tmp_path: Path) -> None:
    (tmp_path / "a.dng").write_bytes(b"II*\0")
    (tmp_path / "b.bmp").write_bytes(BMP)
    raw, bmp = (file.message for file in folder_found(tmp_path))
    assert raw == "A camera's raw file (.dng) is not accepted. Export it as JPEG."
    assert bmp.startswith("BMP is not accepted. Convert it to one of JPEG, PNG")


def test_folder_counts_links_and_devices(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    picture_write(tmp_path / "elsewhere", "red.jpg")
    photos.mkdir()
    (photos / "broken").symlink_to("nowhere")
    (photos / "file").symlink_to(tmp_path / "elsewhere" / "red.jpg")
    (photos / "folder").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(photos / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(photos / "s"))
        assert codes(photos) == {
            "broken": "broken_link", "file": "", "folder": "folder_link", "pipe": "not_a_file", "s": "not_a_file",
        }  # fmt: skip


def test_folder_counts_a_hidden_folder_once(tmp_path: Path) -> None:
    picture_write(tmp_path, ".thumbnails/1.jpg")
    picture_write(tmp_path, ".thumbnails/2.jpg")
    assert codes(tmp_path) == {".thumbnails": "hidden"}


def test_folder_that_may_not_be_read_inside_another_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture_write(tmp_path, "closed/a.jpg")
    picture_write(tmp_path, "open/b.jpg")
    real = os.listdir

    def listdir(path: Path) -> list[str]:  # the tests may run as root, who may read everything
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    assert codes(tmp_path) == {"closed": "unreadable_folder", "open/b.jpg": ""}


def test_folder_tells_names_apart_that_are_no_text(tmp_path: Path) -> None:
    for name in (b"caf\xe9.jpg", b"caf\xe8.jpg"):
        (tmp_path / os.fsdecode(name)).write_bytes(picture("red"))
    assert list(codes(tmp_path)) == [os.fsdecode(b"caf\xe8.jpg"), os.fsdecode(b"caf\xe9.jpg")]


@pytest.mark.parametrize("name", ["missing", "file"])
def test_folder_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BatchRejected, match="is not a folder"):
        folder_found(tmp_path / name)


def test_folder_may_be_nested_however_deep(tmp_path: Path) -> None:
    place = tmp_path.joinpath(*["d"] * 300)
    place.mkdir(parents=True)
    picture_write(place, "a.jpg")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        found = codes(tmp_path)
    finally:
        sys.setrecursionlimit(limit)
    assert list(found.values()) == [""]


def test_folder_tells_of_a_file_that_was_removed_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: [*real(path), "gone.jpg"])
    assert codes(tmp_path) == {"gone.jpg": "vanished"}
