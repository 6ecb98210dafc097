"""Lists the files of a submitted folder, each with the reason if it is left out. This module imports no Django."""

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
    """One file in the folder, or a subfolder that is skipped.

    `path` is relative, as the file system gives it: non-UTF-8 bytes are surrogates (PEP 383). `code` and `message` say
    why the file is left out; they are empty for a file to take.
    """

    path: str
    code: str = ""
    message: str = ""


def folder_found(folder: Path) -> list[Found]:
    """All files in a folder and its subfolders, sorted by name. Follows links to files, but not to folders.

    Raises:
        BatchRejected: not_a_folder.
    """
    try:
        if not folder.is_dir():
            raise BatchRejected("not_a_folder", f"{folder} is not a folder. Name a folder of photos.")
        return list(_found(folder))
    except OSError as error:
        raise BatchRejected(
            "not_a_folder",
            f"{folder} cannot be read ({error.strerror}). Give this account access, or choose another folder.",
        ) from error


def left_out(found: Iterable[Found]) -> Counter[str]:
    """The number of left out files by code."""
    return Counter(file.code for file in found if file.code)


def _found(folder: Path) -> Iterator[Found]:
    waiting = [""]  # a stack of paths, the next one last; works for any depth
    # `os.path` returns False for entries without access; `Path` would raise.
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
                    f"The folder cannot be read ({error.strerror}). Give this account access.",
                )
            else:
                waiting += [f"{path}/{name}" if path else name for name in names]
        else:
            yield _file_found(folder / path, path)


def _file_found(file: Path, path: str) -> Found:
    try:
        mode = file.stat().st_mode
        if stat.S_ISDIR(mode):
            return Found(path, "folder_link", "It is a link to a folder. Submit that folder separately.")
        if not stat.S_ISREG(mode):
            return Found(path, "not_a_file", "It is a device or a pipe, not a file.")
        with file.open("rb") as opened:
            problem = unwanted(path, opened.read(HEAD_BYTES))
    except FileNotFoundError:
        if file.is_symlink():
            return Found(path, "broken_link", "It is a link to a missing file.")
        return Found(path, "vanished", "It was removed while the folder was read.")
    except OSError as error:
        return Found(path, "unreadable", f"The file cannot be read ({error.strerror}). Give this account access.")
    return Found(path, *(problem or ("", "")))
