"""Reads Karpathy's dataset_*.json, with its splits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from captioner.tally import Tally
from training.data.captions_import import ImportedPhoto, file_name_check, source_text
from training.data.coco_captions import WORDLESS, caption_has_words
from training.errors import DatasetError

SPLITS = {"train": "train", "restval": "train", "val": "val", "test": "test"}  # Karpathy's -> ours


def karpathy_read(source: Path, tally: Tally) -> dict[str, list[ImportedPhoto]]:
    """Photos by split (train, val, test, without empty ones) of Karpathy's dataset_*.json, in its order.

    Karpathy and Fei-Fei 2015. "restval", which everyone trains on, joins train. Ids are "cocoid" or "imgid", if each
    photo has one of its own. `tally` counts the captions. Raises DatasetError.
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
                f"{place} and images[{places[photo.file_name]}] are the same photo, {photo.file_name}. "
                "Join their captions."
            )
        places[photo.file_name] = position
        splits[SPLITS[image["split"]]].append(photo)
    return {split: photos for split, photos in splits.items() if photos}


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
