"""Reading a zip's directory, in this process: that it also happens in a child is tested with the batches."""

import zipfile
from pathlib import Path

import pytest

from webapp.batches import zip_reader
from webapp.batches.errors import BatchRejected
from webapp.batches.zip_reader import archive_members, member_chunks, name_shown
from webapp.photos.errors import PhotoRejected


def write(folder: Path, *names: str, content: bytes = b"x" * 100) -> Path:
    path = folder / "file.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return path


def codes(path: Path) -> dict[str, str]:
    return {member.name: member.error_code for member in archive_members(path, max_files=100)}


def test_archive_members_keep_their_place_in_the_directory(tmp_path: Path) -> None:
    path = write(tmp_path, "folder/", "folder/a.jpg", "__MACOSX/folder/._a.jpg", "b.jpg")
    members = [(member.index, member.name, member.error_code) for member in archive_members(path, max_files=100)]
    assert members == [(1, "folder/a.jpg", ""), (2, "__MACOSX/folder/._a.jpg", "clutter"), (3, "b.jpg", "")]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a/b/c.jpg", ""),
        ("a..b/c...jpg", ""),
        ("../a.jpg", "unsafe_path"),
        ("a/../b.jpg", "unsafe_path"),
        ("\\\\host\\a.jpg", "unsafe_path"),
        ("c:a.jpg", "unsafe_path"),
        ("/a.jpg", "unsafe_path"),
        ("a.tar", "nested_archive"),
        ("A.ZIP", "nested_archive"),
    ],
)
def test_archive_members_judge_each_name(tmp_path: Path, name: str, code: str) -> None:
    assert codes(write(tmp_path, name)) == {name: code}


def test_archive_members_refuse_nul_in_a_name(tmp_path: Path) -> None:
    path = write(tmp_path, "evilXjpg")
    path.write_bytes(path.read_bytes().replace(b"evilX", b"evil\0"))
    assert codes(path) == {"evil": "unsafe_path"}


def test_archive_members_count_against_the_limit(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jpg", "b.jpg")
    assert len(archive_members(path, max_files=2)) == 2
    with pytest.raises(BatchRejected, match="holds 2 files; the limit is 1"):
        archive_members(path, max_files=1)


def test_archive_members_refuse_a_directory_that_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_reader, "MAX_DIRECTORY_BYTES", 50)
    with pytest.raises(BatchRejected, match="directory is larger than 50 bytes"):
        archive_members(write(tmp_path, "a.jpg"), max_files=1)


def test_archive_members_refuse_what_is_no_zip(tmp_path: Path) -> None:
    path = tmp_path / "file.zip"
    path.write_bytes(b"PK")
    with pytest.raises(BatchRejected) as caught:
        archive_members(path, max_files=1)
    assert caught.value.code == "not_a_zip"


def test_archive_members_refuse_a_damaged_directory(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jpg")
    path.write_bytes(path.read_bytes().replace(b"PK\x01\x02", b"PK\x01\x03"))
    with pytest.raises(BatchRejected, match="cannot be read"):
        archive_members(path, max_files=1)


def test_archive_members_refuse_overlaps(tmp_path: Path) -> None:
    """A few kilobytes that expand to megabytes: each entry of the directory names the same compressed bytes."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.jpg", bytes(1_000_000))
        kernel = archive.infolist()[0]
        for number in range(1, 50):
            twin = zipfile.ZipInfo(f"{number}.jpg")
            for slot in ("header_offset", "CRC", "compress_size", "file_size", "compress_type"):
                setattr(twin, slot, getattr(kernel, slot))
            archive.filelist.append(twin)
    assert path.stat().st_size < 5000
    with pytest.raises(BatchRejected) as caught:
        archive_members(path, max_files=100)
    assert caught.value.code == "overlapping"


def test_archive_members_refuse_an_empty_zip(tmp_path: Path) -> None:
    with pytest.raises(BatchRejected, match="holds no files"):
        archive_members(write(tmp_path), max_files=1)


def test_archive_members_of_one_name_cost_no_more_than_of_many() -> None:
    class Counting(set[str]):
        asked = 0

        def __contains__(self, name: object) -> bool:
            self.asked += 1
            return super().__contains__(name)

    names, numbers = Counting(), dict[str, int]()
    doubled = [f"{'x' * 996}{number // 2:04}" for number in range(1000)]  # too long for a number behind it
    for name in ["a.jpg"] * 1000 + doubled:
        zip_reader._unique(name, names, numbers)
    assert len(names) == 2000
    assert names.asked <= 2 * 2000


def test_archive_members_make_double_and_overlong_names_unique(tmp_path: Path) -> None:
    path = write(tmp_path, "x" * 2000 + "1.jpg", "y" + "x" * 2000 + "1.jpg")
    first, second = archive_members(path, max_files=2)
    assert first.name != second.name
    assert max(len(first.name), len(second.name)) <= zip_reader.NAME_LENGTH


def test_member_chunks_give_the_content(tmp_path: Path) -> None:
    with zipfile.ZipFile(write(tmp_path, "a.jpg", content=b"abc" * 10)) as archive:
        assert b"".join(member_chunks(archive, 0)) == b"abc" * 10


def test_member_chunks_refuse_damaged_bytes(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jpg", content=bytes(range(256)) * 10)
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    with zipfile.ZipFile(path) as archive, pytest.raises(PhotoRejected) as caught:
        list(member_chunks(archive, 0))
    assert caught.value.code == "corrupt_member"


def test_name_shown_holds_nothing_that_cannot_be_shown() -> None:
    assert name_shown("a\n\0\u202eb\ud800.jpg") == "a\ufffd\ufffd\ufffdb\ufffd.jpg"
    assert name_shown("x" * 2000) == "x" * 1000
