"""A data set: captioned photos from captions files in COCO's form and folders of photos."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from captioner.tally import LeftOut, Tally, folders_unnamed
from training.data.coco_captions import WORDLESS, captions_file_read, names
from training.data.unreadable_photos import photo_is_file, photos_unreadable
from training.errors import DatasetError

REASONS = ("captionless", "missing", "unreadable")
_OF_PHOTO = {"missing": "of a missing photo", "unreadable": "of an unreadable photo"}


@dataclass(frozen=True)
class CaptionedPhoto:
    """One photo and what people wrote about it. `id`: COCO's image id, or a new one if two files share it."""

    id: int
    path: Path
    captions: tuple[str, ...]


@dataclass(frozen=True)
class BadPhoto:
    """A photo that cannot be trained on. `file`: its path. `reason`: one of REASONS."""

    file: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Dataset:
    """The photos of one split, each once, in the order of the files and of the ids in them.

    `named`, `said`: counts of the photos and of the captions in the files. `folders`: of the photos.
    """

    photos: list[CaptionedPhoto]
    bad: list[BadPhoto]
    named: Tally = field(default_factory=Tally)
    said: Tally = field(default_factory=Tally)
    folders: tuple[Path, ...] = ()

    @property
    def bad_counts(self) -> dict[str, int]:
        """How many photos are bad, by reason."""
        counts = Counter(bad.reason for bad in self.bad)
        return {reason: counts[reason] for reason in REASONS if counts[reason]}


def dataset_read(captions: Sequence[Path], *, images: Sequence[Path], skip_bad: bool = False) -> Dataset:
    """The photos of one split. `images`: one folder for all files of `captions`, or one for each.

    Raises DatasetError for a file of another form (captions_file_read), for folders that are missing or do not match
    the files, and for photos that are missing, unreadable or captionless. With `skip_bad` those stay in `bad`, and it
    raises only if no other photo is left.
    """
    dataset = dataset_examine(captions, images=images)
    files = names(map(str, captions))
    total = len(dataset.photos) + len(dataset.bad)
    if dataset.bad and not (skip_bad and dataset.photos):
        reasons = ", ".join(f"{count} {reason}" for reason, count in dataset.bad_counts.items())
        examples = names((f"{bad.file} ({bad.reason}: {bad.detail})" for bad in dataset.bad), separator="; ")
        remedy = (
            "Repair them, take them out of the file, or leave them out with --skip-bad."
            if dataset.photos
            else "No photo is left to work with: check the captions file and its folder of photos."
        )
        raise DatasetError(
            f"{len(dataset.bad)} of the {total} photos in {files} are bad ({reasons}): {examples}. {remedy}"
        )
    return dataset


def dataset_examine(captions: Sequence[Path], *, images: Sequence[Path]) -> Dataset:
    """As dataset_read, but bad photos never raise, even if there are no others.

    The resolved path tells which photo it is. If several images name the same photo, it has the id of the first and the
    captions of all. Ids are COCO's. If a former file has taken an id, the photo gets one above all of them.
    """
    folders = _folders(captions, images)
    found = _photos_merged(captions, folders)
    bad: dict[Path, BadPhoto] = {}
    for path, one in found.items():
        if not one.photo.captions:
            bad[path] = BadPhoto(str(one.photo.path), "captionless", f"no caption with a word in {one.file}")
        elif not photo_is_file(one.photo.path):
            bad[path] = BadPhoto(str(one.photo.path), "missing", "there is no such file")
    for path, fault in photos_unreadable([path for path in found if path not in bad]).items():
        bad[path] = BadPhoto(str(found[path].photo.path), "unreadable", fault)
    return Dataset(
        photos=[one.photo for path, one in found.items() if path not in bad],
        bad=[bad[path] for path in found if path in bad],
        named=_named_count(found, bad),
        said=_said_count(found, bad),
        folders=tuple(dict.fromkeys(folders)),
    )


def datasets_count(*datasets: Dataset) -> dict[str, Tally]:
    """Counts of the captions and of the photos of these splits, and of files in their folders that no split names."""
    photos, captions = Tally(), Tally()
    for dataset in datasets:
        photos.add(dataset.named)
        captions.add(dataset.said)
    folders = dict.fromkeys(folder for dataset in datasets for folder in dataset.folders)
    known = [photo.path for dataset in datasets for photo in dataset.photos]
    known += [Path(bad.file) for dataset in datasets for bad in dataset.bad]
    photos.add(folders_unnamed(folders, known))
    return {"Captions": captions, "Photos": photos}


def photos_sample(photos: Sequence[CaptionedPhoto], *, limit: int | None) -> list[CaptionedPhoto]:
    """The same `limit` photos every time: the first by the SHA-256 of their file names. All of them if None.

    The order of the file does not matter. A smaller sample lies within a larger one.
    """
    ordered = sorted(photos, key=lambda photo: hashlib.sha256(photo.path.name.encode()).digest())
    return ordered[:limit]


def splits_check(train: Sequence[CaptionedPhoto], validation: Sequence[CaptionedPhoto]) -> None:
    """Raises DatasetError if a photo is in both: the same file, or a copy under the same name elsewhere."""
    paths = {photo.path.resolve() for photo in train}
    alike = defaultdict(list)
    for photo in train:
        alike[photo.path.name].append(photo.path)
    twice = [
        photo.path
        for photo in validation
        if photo.path.resolve() in paths or any(_same_bytes(photo.path, other) for other in alike[photo.path.name])
    ]
    if twice:
        raise DatasetError(
            f"{len(twice)} photos are in the training set and in the validation set: "
            f"{names(path.name for path in twice)}. Scores on them would reward learning by heart. "
            "Take them out of one of the captions files."
        )


def _folders(captions: Sequence[Path], images: Sequence[Path]) -> list[Path]:
    if not captions:
        raise DatasetError("No captions file was given: name one or more.")
    if len(images) not in (1, len(captions)):
        raise DatasetError(
            f"{len(images)} folders of photos were given for {len(captions)} captions files: give one for all of them, "
            "or one for each."
        )
    for folder in images:
        if not folder.is_dir():
            raise DatasetError(f"There is no folder of photos {folder}. Check the path.")
    return list(images) * (len(captions) if len(images) == 1 else 1)


@dataclass
class _Named:
    """A photo, the first captions file that names it, how often others did, and captions that it did not get."""

    photo: CaptionedPhoto
    file: Path
    again: int = 0
    repeated: int = 0
    wordless: int = 0


def _photos_merged(captions: Sequence[Path], folders: Sequence[Path]) -> dict[Path, _Named]:
    """Each photo once, by its resolved path."""
    files = [captions_file_read(file) for file in captions]
    fresh = itertools.count(1 + max(entry.id for entries in files for entry in entries))
    taken: set[int] = set()
    found: dict[Path, _Named] = {}
    for file, folder, entries in zip(captions, folders, files, strict=True):
        root = folder.resolve()
        for entry in entries:
            path = _resolved(root / entry.file_name)
            if known := found.get(path):
                new = tuple(text for text in entry.captions if text not in known.photo.captions)
                known.photo = replace(known.photo, captions=known.photo.captions + new)
                known.again, known.repeated = known.again + 1, known.repeated + len(entry.captions) - len(new)
                known.wordless += entry.wordless
                continue
            photo_id = next(fresh) if entry.id in taken else entry.id
            taken.add(photo_id)
            photo = CaptionedPhoto(photo_id, folder / entry.file_name, entry.captions)
            found[path] = _Named(photo, file, wordless=entry.wordless)
    return found


def _named_count(found: Mapping[Path, _Named], bad: Mapping[Path, BadPhoto]) -> Tally:
    tally = Tally()
    for path, one in found.items():
        if fault := bad.get(path):
            tally.left += [LeftOut(fault.file, fault.reason, fault.detail)] * (1 + one.again)
        else:
            tally.taken, tally.there = tally.taken + 1, tally.there + one.again
    return tally


def _said_count(found: Mapping[Path, _Named], bad: Mapping[Path, BadPhoto]) -> Tally:
    tally = Tally()
    for path, one in found.items():
        tally.left += [LeftOut(f"a caption of {one.photo.path}", WORDLESS)] * one.wordless
        tally.there += one.repeated
        if fault := bad.get(path):
            tally.left += [LeftOut(repr(text), _OF_PHOTO[fault.reason], fault.file) for text in one.photo.captions]
        else:
            tally.taken += len(one.photo.captions)
    return tally


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a link to itself, which counts as missing later
        return path


def _same_bytes(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size and _digest(one) == _digest(other)


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()
