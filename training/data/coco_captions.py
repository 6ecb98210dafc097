"""Reads a captions file in COCO's form, and refuses others.

https://cocodataset.org/#format-data, "4. Image Captioning".
"""

from __future__ import annotations

import contextlib
import io
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from training.errors import DatasetError

WORDLESS = "without a word"  # why a caption is left out
SHOWN = 5  # a message names so many faults of one kind
_FORM = (
    'It must be an object with "images": [{"id", "file_name"}, ...] and '
    '"annotations": [{"id", "image_id", "caption"}, ...].'
)


@dataclass(frozen=True)
class Entry:
    """One image of the file. `captions`: in the file's order, those with a word. `wordless`: how many have none."""

    id: int
    file_name: str
    captions: tuple[str, ...]
    wordless: int = 0


def captions_file_read(path: Path) -> list[Entry]:
    """All images of a COCO captions file in order of id, also those without a caption. At least one.

    Raises DatasetError if the file is missing, has another form, or names photos outside of their folder.
    """
    from pycocotools.coco import COCO

    data = _json_read(path)
    images = _items(path, data, "images", {"id": int, "file_name": str})
    annotations = _items(path, data, "annotations", {"id": int, "image_id": int, "caption": str})
    if not images:
        raise DatasetError(f'{path} names no photo: "images" is empty. Give a file with captioned photos.')
    _ids_check(path, [image["id"] for image in images], [annotation["image_id"] for annotation in annotations])
    for position, image in enumerate(images):
        if fault := file_name_fault(image["file_name"]):
            raise DatasetError(
                f'"file_name" of images[{position}] in {path} is {image["file_name"]!r}, {fault}. '
                "Give it as a path within the folder of photos."
            )
    coco = COCO()
    coco.dataset = {"images": images, "annotations": annotations}
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        coco.createIndex()
    return [_entry(coco.imgs[image_id], coco.imgToAnns.get(image_id, [])) for image_id in sorted(coco.imgs)]


def captions_read(paths: Iterable[Path]) -> list[str]:
    """All captions of COCO captions files. Photos are not looked at. Raises DatasetError, also if there is none."""
    files = list(paths)
    captions = [caption for path in files for entry in captions_file_read(path) for caption in entry.captions]
    if not captions:
        raise DatasetError(f"There is no caption with a word in {names(map(str, files))}. Give captioned photos.")
    return captions


def caption_has_words(caption: str) -> bool:
    """Whether it has a token (captioner.vocabulary.caption_tokens)."""
    return any(character.isalnum() for character in caption)


def file_name_fault(name: str) -> str:
    """Why no file within a folder of photos can have this name. "" if one can."""
    if not name.strip() or "\0" in name:
        return "which is no name of a file"
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive:
        return "an absolute path"
    if ".." in PurePosixPath(name).parts:
        return "which leaves its folder by '..'"
    return ""


def names(items: Iterable[str], *, separator: str = ", ") -> str:
    """The first few of many, for a message."""
    known = list(items)
    return separator.join(known[:SHOWN]) + (f" and {len(known) - SHOWN:,} more" if len(known) > SHOWN else "")


def _entry(image: dict[str, Any], annotations: list[dict[str, Any]]) -> Entry:
    captions = tuple(filter(caption_has_words, (annotation["caption"] for annotation in annotations)))
    return Entry(image["id"], image["file_name"], captions, wordless=len(annotations) - len(captions))


def _json_read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise DatasetError(f"There is no captions file {path}. Check the path.") from error
    except OSError as error:
        raise DatasetError(f"The captions file {path} cannot be read ({error.strerror}). Name another.") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is not COCO captions JSON ({error}). {_FORM}") from error
    if not isinstance(data, dict):
        raise DatasetError(f"{path} is not COCO captions JSON (it is a JSON {type(data).__name__}). {_FORM}")
    return data


def _items(path: Path, data: dict[str, Any], key: str, fields: dict[str, type]) -> list[dict[str, Any]]:
    """The objects of the list data[key]. Each is checked for `fields` and their types."""
    if key not in data:
        hint = " A file of images alone can be captioned, by manage.py caption --coco." if key == "annotations" else ""
        raise DatasetError(f'{path} is not COCO captions JSON (it has no "{key}"). {_FORM}{hint}')
    items = data[key]
    if not isinstance(items, list):
        raise DatasetError(f'{path} is not COCO captions JSON ("{key}" is a {type(items).__name__}, no list). {_FORM}')
    for position, item in enumerate(items):
        fault = "is no object" if not isinstance(item, dict) else _field_fault(item, fields)
        if fault:
            raise DatasetError(f"{path} is not COCO captions JSON ({key}[{position}] {fault}). {_FORM}")
    return items


def _field_fault(item: dict[str, Any], fields: dict[str, type]) -> str:
    for field, kind in fields.items():
        if field not in item:
            other = " Is it a file of instances? Take the one of captions" if "category_id" in item else ""
            return f'has no "{field}"{other and "." + other}'
        if not isinstance(item[field], kind) or isinstance(item[field], bool):
            return f'has "{field}": {json.dumps(item[field])[:40]}, no {"text" if kind is str else "whole number"}'
    return ""


def _ids_check(path: Path, images: list[int], of_annotations: list[int]) -> None:
    if twice := sorted(image_id for image_id, count in Counter(images).items() if count > 1):
        raise DatasetError(
            f"{len(twice)} image ids stand more than once in {path}: {names(map(str, twice))}. "
            "Give each image an id of its own; captions of one photo share its id."
        )
    if unknown := sorted(set(of_annotations) - set(images)):
        raise DatasetError(
            f"{len(unknown)} image ids of annotations in {path} are of no image there: {names(map(str, unknown))}. "
            "Add those images, or take the annotations out."
        )
