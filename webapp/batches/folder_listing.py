"""What lies in a folder that somebody submits: every file, and why it is not a photo to take. No Django."""

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from webapp.batches.errors import BatchRejected
from webapp.photos.formats import HEAD_BYTES, clutter, unwanted


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
        return list(_found(folder))
    except OSError as error:
        raise BatchRejected(
            "not_a_folder", f"{folder} cannot be read ({error.strerror}). Let this account read it, or name another."
        ) from error


def left_out(found: Iterable[Found]) -> Counter[str]:
    """How many are left out, by code."""
    return Counter(file.code for file in found if file.code)


def _found(folder: Path) -> Iterator[Found]:
    waiting = [""]  # entries below the folder, the next one last: however deep they are nested
    # `os.path` says False of what may not be looked at, where `Path` raises.
    while waiting:
        path = waiting.pop()
        if problem := clutter(PurePath(path).name):
            yield Found(path, *problem)
        elif os.path.isdir(folder / path) and not (path and os.path.islink(folder / path)):  # noqa: PTH112, PTH114
            try:
                names = sorted(os.listdir(folder / path), key=os.fsencode, reverse=True)  # noqa: PTH208  (all as text)
            except OSError as error:
                if not path:
                    raise
                yield Found(
                    path,
                    "unreadable_folder",
                    f"The folder cannot be read ({error.strerror}). Let this account read it.",
                )
            else:
                waiting += [f"{path}/{name}" if path else name for name in names]
        else:
            yield _file_found(folder / path, path)


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
        if file.is_symlink():
            return Found(path, "broken_link", "It is a link to a file that is not there.")
        return Found(path, "vanished", "It was removed while the folder was read.")
    except OSError as error:
        return Found(path, "unreadable", f"The file cannot be read ({error.strerror}). Let this account read it.")
    return Found(path, *(problem or ("", "")))
