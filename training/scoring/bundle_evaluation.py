"""Evaluates a bundle: captions photos as a worker does, and scores the captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from captioner.errors import PhotoError
from captioner.inference import Captioner
from captioner.preprocessing import photo_pixels
from training.data.dataset import CaptionedPhoto
from training.errors import DatasetError
from training.scoring.attention_focus import Focus, attention_focus, greedy_attention
from training.scoring.caption_faults import TextFaults, captions_faults
from training.scoring.coco_scorer import Scorer, Scores, scorer_choose

BATCH = 32
FOCUS_PHOTOS = 200


@dataclass(frozen=True)
class Evaluation:
    """What `bundle_evaluate` found.

    `captions`: photo id -> what the model wrote. `focus`: of attention over greedy captions of the first FOCUS_PHOTOS.
    None if it was not asked for, or the decoder has no attention.
    """

    bundle: Path
    version: str
    photos: tuple[CaptionedPhoto, ...]
    beam: int
    scorer: Scorer
    scores: Scores
    faults: TextFaults
    focus: Focus | None
    captions: dict[int, str]

    def to_dict(self) -> dict[str, Any]:
        """For JSON, without single photos. "comparable" is false if Java was missing."""
        return {
            "bundle": str(self.bundle),
            "version": self.version,
            "photos": len(self.photos),
            "beam": self.beam,
            "scorer": self.scorer.name,
            "comparable": self.scorer.comparable,
            "scores": self.scores.to_dict(),
            "faults": self.faults.to_dict(),
            "attention": self.focus.to_dict() if self.focus else None,
        }


def bundle_evaluate(
    bundle: Path,
    *,
    photos: Sequence[CaptionedPhoto],
    beam: int | None = None,
    meteor: bool = False,
    focus: bool = False,
    device: str = "cpu",
) -> Evaluation:
    """Captions photos as serving does (same pixels, same search), and scores that with `scorer_choose`'s scorer.

    `beam`: the bundle's own default unless given. Shows a progress bar on a terminal.
    Raises CaptionerError (bundle, device), DatasetError (no photo, or one that cannot be read) and ScorerError.
    """
    if not photos:
        raise DatasetError("There is no photo to caption: give one at least.")
    scorer = scorer_choose()
    captioner = Captioner.load(bundle, device=device)
    beam = beam or captioner.config.decoding.beam
    written: dict[int, str] = {}
    words: list[list[str]] = []
    maps: list[np.ndarray] = []
    with tqdm(total=len(photos), desc="captioning", unit="photo", disable=None) as bar:
        for first in range(0, len(photos), BATCH):
            batch = photos[first : first + BATCH]
            pixels = [_photo_read(photo.path, captioner) for photo in batch]
            results = captioner.caption_batch(pixels, beam=beam)
            written |= {photo.id: result.text for photo, result in zip(batch, results, strict=True)}
            if focus and first < FOCUS_PHOTOS:
                greedy = greedy_attention(captioner, pixels[: FOCUS_PHOTOS - first])
                words += greedy[0]
                maps += greedy[1]
            bar.update(len(batch))
    return Evaluation(
        bundle=bundle,
        version=captioner.version,
        photos=tuple(photos),
        beam=beam,
        scorer=scorer,
        scores=scorer.scores({photo.id: list(photo.captions) for photo in photos}, written, meteor=meteor),
        faults=captions_faults(written.values()),
        focus=attention_focus(words, maps) if maps and maps[0].shape[1] else None,
        captions=written,
    )


def _photo_read(path: Path, captioner: Captioner) -> np.ndarray:
    try:
        return photo_pixels(path, preprocessing=captioner.preprocessing)
    except PhotoError as error:
        raise DatasetError(f"{path}: {error} Replace it, or take it out of the captions.") from error
