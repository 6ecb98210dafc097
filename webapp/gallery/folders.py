"""What lies in a folder that somebody submits: every file, and why it is not a photo to take. No Django."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from webapp.gallery.errors import BatchRejected
from webapp.gallery.formats import HEAD_BYTES, clutter, unwanted


@dataclass(frozen=True)
class Found:
    """One file below the folder, or one folder that is not looked into.

    `path` is relative, as the file system gives it: bytes that are no UTF-8 are surrogates (PEP 383). `code` and
    `message` say why it is left out; empty for a file to take.
    """

    path: str
    code: str = ""
    message: str = ""


def folder_found(folder: Path) -> list[Found]:
    """Everything below a folder, in the order of the names. Links to files are followed, links to folders are not.

    Raises:
        BatchRejected: not_a_folder.
    """
    try:
        if not folder.is_dir():
            raise BatchRejected("not_a_folder", f"{folder} is not a folder. Name one that holds photos.")
        return list(_found(folder, ""))
    except OSError as error:
        raise BatchRejected(
            "not_a_folder", f"{folder} cannot be read ({error.strerror}). Let this account read it, or name another."
        ) from error


def _found(folder: Path, below: str) -> Iterator[Found]:
    with os.scandir(folder / below) as entries:
        ordered = sorted(entries, key=lambda entry: os.fsencode(entry.name))
    for entry in ordered:
        path = f"{below}/{entry.name}" if below else entry.name
        if problem := clutter(entry.name):
            yield Found(path, *problem)
        elif entry.is_dir(follow_symlinks=False):
            yield from _folder_found(folder, path)
        else:
            yield _file_found(folder / path, path)


def _folder_found(folder: Path, path: str) -> Iterator[Found]:
    try:
        yield from _found(folder, path)
    except OSError as error:  # of this folder: those below it have caught their own
        yield Found(
            path, "unreadable_folder", f"The folder cannot be read ({error.strerror}). Let this account read it."
        )


def _file_found(file: Path, path: str) -> Found:
    try:
        mode = file.stat().st_mode
        if stat.S_ISDIR(mode):
            return Found(path, "folder_link", "It is a link to a folder. Submit that folder by itself.")
        if not stat.S_ISREG(mode):
            return Found(path, "not_a_file", "It is a device or a pipe, not a file.")
        with file.open("rb") as opened:
            problem = unwanted(path, opened.read(HEAD_BYTES))
    except FileNotFoundError:
        return Found(path, "broken_link", "It is a link to a file that is not there.")
    except OSError as error:
        return Found(path, "unreadable", f"The file cannot be read ({error.strerror}). Let this account read it.")
    return Found(path, *(problem or ("", "")))
