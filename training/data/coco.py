"""Captioned photos in COCO's captions format, read by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.errors import DatasetError

_SHOWN = 5


@dataclass(frozen=True)
class CaptionedPhoto:
    """One photo and what people wrote about it. `id` is COCO's image id."""

    id: int
    path: Path
    captions: tuple[str, ...]


def captioned_photos(captions: Path, *, images: Path) -> list[CaptionedPhoto]:
    """All photos of a COCO captions file that have a caption, in order of id.

    Raises DatasetError when the file is not of that form, or photos it names are not in `images`.
    """
    from pycocotools.coco import COCO

    if not captions.is_file():
        raise DatasetError(f"There is no captions file {captions}.")
    if not images.is_dir():
        raise DatasetError(f"There is no folder of photos {images}.")
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
            coco = COCO(str(captions))
        photos = [
            CaptionedPhoto(
                id=int(image_id),
                path=images / str(coco.imgs[image_id]["file_name"]),
                captions=tuple(str(annotation["caption"]) for annotation in coco.imgToAnns[image_id]),
            )
            for image_id in sorted(coco.imgs)
            if coco.imgToAnns.get(image_id)
        ]
    except Exception as error:  # whatever pycocotools meets in a file of another form
        raise DatasetError(
            f"{captions} is not COCO captions JSON ({type(error).__name__}: {error}). It must be an object with "
            '"images": [{"id", "file_name"}, ...] and "annotations": [{"id", "image_id", "caption"}, ...].'
        ) from error
    if not photos:
        raise DatasetError(f"{captions} holds no photo with a caption.")
    if missing := [photo.path.name for photo in photos if not photo.path.is_file()]:
        names = ", ".join(missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
        raise DatasetError(
            f"{len(missing)} of the {len(photos)} photos in {captions} are not in {images}: {names}. "
            "Add them, or take them out of the file."
        )
    return photos


@dataclass(frozen=True)
class BadPhoto:
    """`reason`: "missing", "unreadable" or "captionless"."""

    file: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Dataset:
    photos: list[CaptionedPhoto]
    bad: list[BadPhoto]


def dataset_read(captions: Sequence[Path], *, images: Sequence[Path], skip_bad: bool = False) -> Dataset:
    folders = images if len(images) == len(captions) else [images[0]] * len(captions)
    photos = [
        photo
        for file, folder in zip(captions, folders, strict=True)
        for photo in captioned_photos(file, images=folder)
    ]
    return Dataset(photos, [])


def splits_check(train: Sequence[CaptionedPhoto], validation: Sequence[CaptionedPhoto]) -> None:
    if twice := {photo.path.name for photo in train} & {photo.path.name for photo in validation}:
        raise DatasetError(f"{min(twice)} is in both splits.")
