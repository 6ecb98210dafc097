"""Other people's files of captions, made into COCO's form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from captioner.tally import Tally
from training.data.coco_captions import WORDLESS, caption_has_words, file_name_fault
from training.errors import DatasetError

SPLITS = {"train": "train", "restval": "train", "val": "val", "test": "test"}  # Karpathy's -> ours


@dataclass(frozen=True)
class ImportedPhoto:
    """A photo's file name within its folder, and what people wrote. `id`: None where the source gives none."""

    file_name: str
    captions: tuple[str, ...]
    id: int | None = None


def karpathy_read(source: Path, tally: Tally) -> dict[str, list[ImportedPhoto]]:
    """Photos by split (train, val, test; those that are not empty) of Karpathy's dataset_*.json, in its order.

    Karpathy and Fei-Fei 2015; his "restval", which everyone trains on, is joined to train. Ids are the "cocoid", or
    the "imgid", where each photo has one of its own. `tally` counts the captions. Raises DatasetError.
    """
    try:
        data = json.loads(source_text(source))
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{source} is not JSON ({error}). Give one of Karpathy's dataset_*.json.") from error
    images = data.get("images") if isinstance(data, dict) else None
    if not isinstance(images, list) or not images:
        raise DatasetError(
            f'{source} is not of Karpathy\'s form: it must be an object with "images": [{{"filename", "split", '
            '"sentences": [{"raw"}, ...]}, ...].'
        )
    places: dict[str, int] = {}
    splits: dict[str, list[ImportedPhoto]] = {split: [] for split in ("train", "val", "test")}
    key = _id_key(images)
    for position, image in enumerate(images):
        place = f"images[{position}] in {source}"
        photo = _karpathy_photo(image, place, key=key, tally=tally)
        if image.get("split") not in SPLITS:
            raise DatasetError(f'"split" of {place} is {image.get("split")!r}: it must be one of {", ".join(SPLITS)}.')
        if photo.file_name in places:
            raise DatasetError(
                f"{place} is {photo.file_name}, as is images[{places[photo.file_name]}]: give its captions to one."
            )
        places[photo.file_name] = position
        splits[SPLITS[image["split"]]].append(photo)
    return {split: photos for split, photos in splits.items() if photos}


def photos_divide(photos: Sequence[ImportedPhoto], *, share: float) -> dict[str, list[ImportedPhoto]]:
    """train and val, by photo; `share` (0..1, both excluded) of them, and at least one, are in val.

    By the SHA-256 of the file names: the same photos every time, whatever their order. Raises DatasetError.
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
    """COCO captions JSON of the photos, in their order; they are numbered from 1 where one has no id."""
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
    """`name`, if a file within a folder of photos can have it. Raises DatasetError."""
    if fault := file_name_fault(name):
        raise DatasetError(f"The photo of {place} is {name!r}, {fault}. Give it as a path within the folder of photos.")
    return name


def _karpathy_photo(image: Any, place: str, *, key: str | None, tally: Tally) -> ImportedPhoto:
    try:
        folder, name = image.get("filepath", ""), image["filename"]
        captions = [sentence["raw"].strip() for sentence in image["sentences"]]
        file_name = f"{folder}/{name}" if folder else name
    except KeyError as error:
        raise DatasetError(f'{place} has no "{error.args[0]}", as Karpathy\'s files have: add it.') from error
    except (TypeError, AttributeError) as error:
        raise DatasetError(
            f'{place} is not of Karpathy\'s form ({error}): {{"filename", "split", "sentences": [{{"raw"}}, ...]}}.'
        ) from error
    if not isinstance(file_name, str):
        raise DatasetError(f'"filename" of {place} is {file_name!r}: it must be text.')
    file_name_check(file_name, place)
    said = tuple(filter(caption_has_words, captions))
    tally.taken += len(said)
    for text in captions:
        if not caption_has_words(text):
            tally.leave(f"a caption of {file_name}", WORDLESS, text)
    return ImportedPhoto(file_name, said, image[key] if key else None)


def _id_key(images: list[Any]) -> str | None:
    """The key under which each image has a number of its own."""
    for key in ("cocoid", "imgid"):
        ids = [image.get(key) if isinstance(image, dict) else None for image in images]
        if all(type(image_id) is int for image_id in ids) and len(set(ids)) == len(ids):
            return key
    return None
