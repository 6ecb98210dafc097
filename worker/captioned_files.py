"""Files that a person names, captioned in batches: what became of each. No server, queue or database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from worker.result_values import alternatives_values, objects_values, words_values

if TYPE_CHECKING:
    import numpy as np

    from captioner.errors import PhotoError
    from captioner.inference import Captioner, CaptionResult
    from captioner.tally import Tally

BATCH = 16


@dataclass(frozen=True)
class Captioned:
    """A photo with its caption. pixels: uint8 (S, S, 3), what the model saw."""

    file: str
    pixels: np.ndarray
    result: CaptionResult

    def line(self) -> str:
        objects = ", ".join(f"{each.word} ({each.probability:.2f})" for each in self.result.objects)
        return f"{name_shown(self.file)}: {self.sentence()}{f'; it sees: {objects}' if objects else ''}"

    def sentence(self) -> str:
        return f"{self.result.text} ({self.result.confidence:.2f})"

    def to_dict(self) -> dict[str, Any]:
        result = self.result
        return {
            "file": self.file,
            "caption": result.text,
            "confidence": result.confidence,
            "words": words_values(result),
            "alternatives": alternatives_values(result),
            "objects": objects_values(result),
            "error": None,
        }


@dataclass(frozen=True)
class Failed:
    """A file that could not be captioned, and why."""

    file: str
    error: PhotoError

    def line(self) -> str:
        return f"{name_shown(self.file)}: error: {' '.join(self.error.message.split())}"

    def to_dict(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "caption": None,
            "confidence": None,
            "words": [],
            "alternatives": [],
            "objects": [],
            "error": {"code": self.error.code, "message": self.error.message},
        }


def photos_caption(captioner: Captioner, photos: Sequence[str], *, beam: int | None) -> Iterator[Captioned | Failed]:
    """What became of each photo, in their order, captioned in batches."""
    from captioner.errors import PhotoError

    for first in range(0, len(photos), BATCH):
        batch = photos[first : first + BATCH]
        pixels: dict[int, np.ndarray] = {}
        errors: dict[int, PhotoError] = {}
        for index, file in enumerate(batch):
            try:
                pixels[index] = _pixels(file, captioner)
            except PhotoError as error:
                errors[index] = error
        results = dict(zip(pixels, captioner.caption_batch(list(pixels.values()), beam=beam), strict=True))
        for index, file in enumerate(batch):
            if index in errors:
                yield Failed(file, errors[index])
            else:
                yield Captioned(file, pixels[index], results[index])


def _pixels(file: str, captioner: Captioner) -> np.ndarray:
    from captioner.errors import PhotoError
    from captioner.preprocessing import photo_pixels

    if Path(file).is_dir():
        raise PhotoError("unreadable", f"This is a folder. Name the photos in it, such as {Path(file) / '*.jpg'}")
    if Path(file).is_fifo():  # opening it would wait for a writer for ever
        raise PhotoError("unreadable", "This is a pipe, not a file. Save the photo to a file and name that.")
    return photo_pixels(
        file,
        preprocessing=captioner.preprocessing,
        max_bytes=settings.UPLOAD_MAX_BYTES,
        max_pixels=settings.UPLOAD_MAX_PIXELS,
    )


def outcome_count(tally: Tally, outcome: Captioned | Failed) -> None:
    if isinstance(outcome, Failed):
        tally.leave(outcome.file, outcome.error.code.replace("_", " "), outcome.error.message)
    else:
        tally.taken += 1


def name_shown(file: str) -> str:
    """A file's name on one line, and such as a terminal can print."""
    return file if file.isprintable() else ascii(file)
