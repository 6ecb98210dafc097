"""Photos named by a COCO file, and captions of them in COCO's results format.

https://cocodataset.org/#format-results, "4. Image Captioning": [{"image_id", "caption"}, ...].
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

_FORM = 'It must be an object with "images": [{"id", "file_name"}, ...].'


class CocoError(Exception):
    """A file that names no photos to caption, or results that cannot be written. The message is for people."""


@dataclass(frozen=True)
class CocoImage:
    """`path`: within the folder of photos, whether it is there or not."""

    id: int
    path: Path


def coco_images_read(file: Path, *, images: Path) -> list[CocoImage]:
    """The images of a COCO file in its order, with annotations (captions_*.json) or without (image_info_*.json).

    Raises CocoError when the file is not of that form, names no image, or one outside of the folder `images`.
    """
    if not images.is_dir():
        raise CocoError(f"There is no folder of photos {images}. Check the path.")
    try:
        data = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CocoError(f"{file} cannot be read ({error.strerror}). Check the path.") from error
    except (ValueError, RecursionError) as error:
        raise CocoError(f"{file} is not COCO JSON ({error}). {_FORM}") from error
    items = data.get("images") if isinstance(data, dict) else None
    if not isinstance(items, list):
        raise CocoError(f'{file} is not COCO JSON (it has no list "images"). {_FORM}')
    if not items:
        raise CocoError(f'{file} names no photo: "images" is empty. Give a file with photos.')
    found = [_image(item, images, f"images[{position}] in {file}") for position, item in enumerate(items)]
    counts = Counter(image.id for image in found)
    if twice := [str(image_id) for image_id, count in counts.items() if count > 1]:
        raise CocoError(
            f"{len(twice)} image ids stand more than once in {file}, such as {twice[0]}: results would be told apart "
            "by nothing. Give each image an id of its own."
        )
    return found


def coco_results_write(path: Path, captions: Mapping[int, str]) -> None:
    """Writes captions by image id, as they were said: COCO's scorer splits and lower-cases them itself.

    As a whole or not at all. Raises CocoError.
    """
    content = json.dumps([{"image_id": image_id, "caption": text} for image_id, text in captions.items()])
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(f"{content}\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise CocoError(
            f"{path} could not be written ({error.strerror or error}): make room, or choose another place."
        ) from error


def _image(item: Any, images: Path, place: str) -> CocoImage:
    if not isinstance(item, dict):
        raise CocoError(f"{place} is no object. {_FORM}")
    image_id, name = item.get("id"), item.get("file_name")
    if not isinstance(image_id, int) or isinstance(image_id, bool):
        raise CocoError(f'"id" of {place} is {image_id!r}: it must be a whole number.')
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise CocoError(f'"file_name" of {place} is {name!r}: it must be the name of a file.')
    inside = PurePosixPath(name)
    if inside.is_absolute() or PureWindowsPath(name).drive or ".." in inside.parts:
        raise CocoError(
            f'"file_name" of {place} is {name!r}, outside of {images}. Give it as a path within that folder.'
        )
    return CocoImage(image_id, images / inside)
