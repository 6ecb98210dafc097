"""Captions and attention of the same validation photos after each epoch: samples.jsonl and samples.html."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from captioner.config import Preprocessing
from captioner.vocabulary import caption_text
from training.atomic_files import file_write
from training.data.dataset import CaptionedPhoto, photos_sample
from training.pages.attention_maps import PagePhoto, attention_panels, page_photo, percent
from training.pages.html_parts import bullets, escape, fold, page_html, paragraph, section, table

PHOTOS = 10
MAPS_EPOCHS = 20  # older ones are shown as words alone, so that the page of a long run stays small
JSONL, HTML = "samples.jsonl", "samples.html"


@dataclass(frozen=True)
class PhotoSample:
    """The caption of one photo.

    photo: COCO's image id. probabilities: of each word after those before it, then of <end>.
    maps: uint8 (T, h, w), one for each word, 255 its greatest weight; (T, 0, 0) without attention.
    """

    photo: int
    words: tuple[str, ...]
    probabilities: tuple[float, ...]
    maps: np.ndarray

    @classmethod
    def of(cls, photo: int, words: Sequence[str], probabilities: Sequence[float], attention: np.ndarray) -> Self:
        """From attention as the decoder gives it: float (T, L), L a square number; L = 0 without attention."""
        side = math.isqrt(attention.shape[1])
        greatest = attention.max(axis=1, keepdims=True, initial=1e-9)
        maps = (attention * (255 / greatest)).round().astype(np.uint8).reshape(len(words), side, side)
        return cls(photo, tuple(words), tuple(map(float, probabilities)), maps)

    @property
    def text(self) -> str:
        return caption_text(self.words)

    @property
    def confidence(self) -> float:
        """Geometric mean of the probabilities of the words and <end>, in 0..1."""
        return float(np.exp(np.log(np.maximum(self.probabilities, 1e-30)).mean()))

    def to_dict(self) -> dict[str, Any]:
        return {
            "photo": self.photo,
            "words": self.words,
            "probabilities": [round(p, 4) for p in self.probabilities],
            "grid": self.maps.shape[1:],
            "maps": base64.b64encode(self.maps.tobytes()).decode("ascii"),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        words = tuple(map(str, data["words"]))
        maps = np.frombuffer(base64.b64decode(data["maps"]), dtype=np.uint8).reshape(len(words), *data["grid"])
        return cls(int(data["photo"]), words, tuple(map(float, data["probabilities"])), maps)


@dataclass(frozen=True)
class EpochSamples:
    """The captions after an epoch (of a stage, from 1). note: more about it, such as its CIDEr."""

    stage: str
    epoch: int
    photos: tuple[PhotoSample, ...]
    note: str = ""

    @property
    def title(self) -> str:
        return f"{self.stage}, epoch {self.epoch}" + (f" · {self.note}" if self.note else "")

    def to_dict(self) -> dict[str, Any]:
        photos = [photo.to_dict() for photo in self.photos]
        return {"stage": self.stage, "epoch": self.epoch, "note": self.note, "photos": photos}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        photos = tuple(PhotoSample.from_dict(photo) for photo in data["photos"])
        return cls(str(data["stage"]), int(data["epoch"]), photos, str(data["note"]))


@dataclass(frozen=True)
class ShownPhoto:
    """One of the photos of the page: COCO's image id, what people wrote, and its picture."""

    id: int
    captions: tuple[str, ...]
    picture: PagePhoto


def photos_shown(
    photos: Sequence[CaptionedPhoto], *, preprocessing: Preprocessing, limit: int = PHOTOS
) -> list[ShownPhoto]:
    """The same photos in every run on the same set (photos_sample), read once. Raises PhotoError."""
    return [
        ShownPhoto(photo.id, photo.captions, page_photo(photo.path, name=f"p{index}", preprocessing=preprocessing))
        for index, photo in enumerate(photos_sample(photos, limit=limit))
    ]


def samples_append(folder: Path, record: EpochSamples) -> None:
    """Keeps the captions of an epoch, in the run's `folder`.

    Those of the same epoch, and all after it, go first: a run may go on from an earlier checkpoint. The file is written
    as a whole or not at all. Raises TrainingError for a full disk.
    """
    known = samples_read(folder)
    before = [(other.stage, other.epoch) for other in known]
    key = (record.stage, record.epoch)
    kept = known[: before.index(key)] if key in before else known
    lines = [json.dumps(one.to_dict(), separators=(",", ":")) for one in (*kept, record)]
    file_write(folder / JSONL, "".join(f"{line}\n" for line in lines))


def samples_read(folder: Path) -> list[EpochSamples]:
    """What was kept, oldest first. A torn line is dropped: a page must not stop a run."""
    try:
        text = (folder / JSONL).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    records = []
    for line in text.splitlines():
        try:
            records.append(EpochSamples.from_dict(json.loads(line)))
        except (ValueError, KeyError, TypeError):
            continue
    return records


def samples_page(folder: Path, photos: Sequence[ShownPhoto]) -> str:
    """The page of `photos` with the captions of the run in `folder`: newest epoch first, older ones folded."""
    records = samples_read(folder)
    title = f"Samples of {folder.resolve().name}"
    if not records:
        return page_html(title, paragraph("No epoch has ended yet.", muted=True))
    *older, newest = records
    parts = [
        paragraph(
            "The same validation photos after every epoch: the caption, the probability of each word after those "
            "before it, and where the model looked for it (bright). Confidence is the mean probability of a word.",
            muted=True,
        ),
        section(newest.title, _epoch(newest, photos, older=older)),
    ]
    if older:
        shown = [fold(one.title, _epoch_old(one, photos, maps=n < MAPS_EPOCHS)) for n, one in enumerate(older[::-1])]
        parts.append(section("Earlier epochs", *shown))
    return page_html(title, *parts, style="".join(photo.picture.style for photo in photos))


def samples_write(folder: Path, photos: Sequence[ShownPhoto]) -> None:
    """Writes the page into the run's folder. Raises TrainingError for a full disk."""
    file_write(folder / HTML, samples_page(folder, photos))


def _epoch(record: EpochSamples, photos: Sequence[ShownPhoto], *, older: Sequence[EpochSamples]) -> str:
    articles = []
    for photo, sample in _pairs(record, photos):
        past = [(f"{one.stage} {one.epoch}", before.text) for one in older for _, before in _pairs(one, [photo])]
        articles.append(
            f'<article class="sample"><div>{photo.picture.html(label="the photo")}</div>'
            f"<div>{_said(sample)}{_words(photo, sample)}{paragraph('What people wrote:', muted=True)}"
            f"{bullets(photo.captions)}"
            + (fold("What it said before", table(("After epoch", "Caption"), past[::-1])) if past else "")
            + "</div></article>"
        )
    return "\n".join(articles)


def _epoch_old(record: EpochSamples, photos: Sequence[ShownPhoto], *, maps: bool) -> str:
    return "\n".join(
        f'<article class="sample old"><div>{photo.picture.html(label="the photo")}</div>'
        f"<div>{_said(sample)}{_words(photo, sample) if maps else ''}</div></article>"
        for photo, sample in _pairs(record, photos)
    )


def _pairs(record: EpochSamples, photos: Sequence[ShownPhoto]) -> list[tuple[ShownPhoto, PhotoSample]]:
    samples = {sample.photo: sample for sample in record.photos}
    return [(photo, samples[photo.id]) for photo in photos if photo.id in samples]


def _said(sample: PhotoSample) -> str:
    sure = f'<span class="muted">confidence {percent(sample.confidence)}</span>'
    return f'<p><span class="said">{escape(sample.text)}</span> {sure}</p>'


def _words(photo: ShownPhoto, sample: PhotoSample) -> str:
    notes = [percent(probability) for probability in sample.probabilities[: len(sample.words)]]
    if sample.maps.size:
        return attention_panels(photo.picture, sample.words, notes, sample.maps)
    return f'<p class="muted">{escape(" ".join(f"{w} {n}" for w, n in zip(sample.words, notes, strict=True)))}</p>'
