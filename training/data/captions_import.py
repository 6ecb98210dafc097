"""Photos and captions imported from other forms: divided into training and validation, written in COCO's form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.coco_captions import file_name_fault
from training.errors import DatasetError


@dataclass(frozen=True)
class ImportedPhoto:
    """A photo's file name within its folder, and what people wrote. `id`: None where the source gives none."""

    file_name: str
    captions: tuple[str, ...]
    id: int | None = None


def photos_divide(photos: Sequence[ImportedPhoto], *, share: float) -> dict[str, list[ImportedPhoto]]:
    """train and val, by photo. val has `share` (above 0, below 1) of them, and at least one.

    The SHA-256 of the file names decides, so the parts are the same every time. Raises DatasetError.
    """
    if not 0 < share < 1:
        raise DatasetError(f"The share of photos for validation is {share:g}; give one between 0 and 1, such as 0.1.")
    if len(photos) < 2:
        raise DatasetError(f"{len(photos)} photo cannot be divided into training and validation: give two or more.")
    count = min(max(1, round(share * len(photos))), len(photos) - 1)
    ordered = sorted(photos, key=lambda photo: hashlib.sha256(photo.file_name.encode()).digest())
    chosen = {photo.file_name for photo in ordered[:count]}
    return {
        "train": [photo for photo in photos if photo.file_name not in chosen],
        "val": [photo for photo in photos if photo.file_name in chosen],
    }


def captions_json(photos: Sequence[ImportedPhoto]) -> str:
    """COCO captions JSON of the photos, in their order. If one has no id, all are numbered from 1."""
    given = [photo.id for photo in photos if photo.id is not None]
    ids = given if len(given) == len(photos) else list(range(1, len(photos) + 1))
    captions = [(image_id, text) for image_id, photo in zip(ids, photos, strict=True) for text in photo.captions]
    content = {
        "images": [{"id": image_id, "file_name": photo.file_name} for image_id, photo in zip(ids, photos, strict=True)],
        "annotations": [
            {"id": number, "image_id": image_id, "caption": text}
            for number, (image_id, text) in enumerate(captions, start=1)
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=0) + "\n"


def source_text(source: Path) -> str:
    """Raises DatasetError when the file is not there or not UTF-8."""
    try:
        return source.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{source} is not UTF-8 text ({error.reason} at byte {error.start}). Save it as UTF-8."
        ) from error
    except OSError as error:
        raise DatasetError(f"{source} cannot be read ({error.strerror}). Check the path.") from error


def file_name_check(name: str, place: str) -> str:
    """Returns `name`. Raises DatasetError if no file within a folder of photos can have it."""
    if fault := file_name_fault(name):
        raise DatasetError(f"The photo of {place} is {name!r}, {fault}. Give it as a path within the folder of photos.")
    return name
