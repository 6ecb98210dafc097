"""Reads untrusted zip files. This module imports no Django: the listing runs in a child process.

Members' names are shown to people, but never used as paths. Overlapping members are refused, because a few kilobytes of
them can expand to any size (D. Fifield, "A better zip bomb", 2019).
"""

import re
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from webapp.batches.errors import BatchRejected
from webapp.photos.errors import PhotoRejected
from webapp.photos.formats import clutter

NAME_LENGTH = 1000
MAX_DIRECTORY_BYTES = 64 * 2**20
CHUNK_BYTES = 2**20
_LOCAL_HEADER_BYTES = 30
_READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # other methods may need any amount of memory


@dataclass(frozen=True)
class Member:
    """One file of a zip. `index` is its position in the zip's directory. `name` is unique and printable."""

    index: int
    name: str
    error_code: str = ""
    error_message: str = ""


def archive_members(path: Path, *, max_files: int) -> list[Member]:
    """The files of a zip. Every call returns the same list.

    Raises:
        BatchRejected: not_a_zip, corrupt_zip, too_many_files, overlapping, no_photos.
        OSError: the zip cannot be read.
    """
    with path.open("rb") as file:  # opened first: `is_zipfile` of a path hides read errors
        if not zipfile.is_zipfile(file):
            raise BatchRejected("not_a_zip", "The file is not a zip. Pack the photos as .zip.")
    try:
        with zipfile.ZipFile(path) as archive:
            infos, directory = archive.infolist(), archive.start_dir
    except Exception as error:
        raise BatchRejected("corrupt_zip", f"The zip cannot be read ({error}). Pack it again.") from error
    if path.stat().st_size - directory > MAX_DIRECTORY_BYTES:
        raise BatchRejected("corrupt_zip", f"The zip's directory is larger than {MAX_DIRECTORY_BYTES:,} bytes.")
    _overlap_check(infos, directory)
    files = [(index, info) for index, info in enumerate(infos) if not info.is_dir()]
    if len(files) > max_files:
        raise BatchRejected(
            "too_many_files",
            f"The zip holds {len(files):,} files; the limit is {max_files:,}. Send several smaller ones.",
        )
    if all(clutter(info.filename) for _, info in files):
        raise BatchRejected("no_photos", "The zip holds no files. Pack the photos into it.")
    names: set[str] = set()
    numbers: dict[str, int] = {}
    members = []
    for index, info in files:
        name = _unique(name_shown(info.filename), names, numbers)
        members.append(Member(index, name, *_problem(info)))
    return members


def member_chunks(archive: zipfile.ZipFile, index: int) -> Iterator[bytes]:
    """The content of a member, at most the size that the zip's directory states.

    Raises:
        PhotoRejected: corrupt_member.
    """
    try:
        with archive.open(archive.infolist()[index]) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except Exception as error:
        raise PhotoRejected("corrupt_member", f"It cannot be unpacked ({error}). Pack the zip again.") from error


def name_shown(name: str) -> str:
    """A printable and shortened form of a name, safe for pages and databases.

    Surrogates of non-UTF-8 bytes (PEP 383) are read as Latin-1.
    """
    read = "".join(chr(ord(char) - 0xDC00) if "\udc80" <= char <= "\udcff" else char for char in name)
    printable = "".join(char if char.isprintable() else "�" for char in read)
    return printable[-NAME_LENGTH:]


def _overlap_check(infos: list[zipfile.ZipInfo], directory: int) -> None:
    ordered = sorted(infos, key=lambda info: info.header_offset)
    starts = [*(info.header_offset for info in ordered), directory]
    for info, following in zip(ordered, starts[1:], strict=True):
        if info.header_offset + _LOCAL_HEADER_BYTES + info.compress_size > following:
            raise BatchRejected(
                "overlapping",
                f"Members of the zip overlap (at {name_shown(info.filename)}), as in a zip bomb. Pack it again.",
            )


def _problem(info: zipfile.ZipInfo) -> tuple[str, str]:
    name = info.orig_filename
    if "\0" in name or name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
        return "unsafe_path", "Its path is absolute, contains NUL, or leads out of the zip. Pack it under a plain name."
    if problem := clutter(name):
        return problem
    if stat.S_ISLNK(info.external_attr >> 16):
        return "symlink", "It is a link to another file. Pack the file itself."
    if info.flag_bits & 0x1:
        return "encrypted", "It is encrypted. Pack it without a password."
    if name.lower().endswith((".zip", ".tar", ".tgz", ".gz", ".7z", ".rar")):
        return "nested_archive", "It is an archive inside the zip. Unpack it and send its photos."
    if info.compress_type not in _READABLE:
        return "unsupported_compression", f"Compression method {info.compress_type} is not supported. Use deflate."
    return "", ""


def _unique(name: str, names: set[str], numbers: dict[str, int]) -> str:
    """A name that is not in `names`. `numbers` holds the last number added to each stem, so many equal names cost no
    more than different ones."""
    unique, stem = name, name[: NAME_LENGTH - 12]
    while unique in names:
        numbers[stem] = numbers.get(stem, 1) + 1
        unique = f"{stem} ({numbers[stem]})"
    names.add(unique)
    return unique
