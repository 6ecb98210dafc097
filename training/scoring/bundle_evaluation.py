"""Evaluates a bundle: captions photos as a worker does, and scores the captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from captioner.inference import Captioner
from training.data.dataset import CaptionedPhoto
from training.data.photo_batches import photos_batched
from training.errors import DatasetError
from training.scoring.attention_focus import Focus, attention_focus, greedy_attention
from training.scoring.caption_faults import TextFaults, captions_faults
from training.scoring.coco_scorer import Scorer, Scores, scorer_choose

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
    for batch, pixels in photos_batched(photos, preprocessing=captioner.preprocessing, what="captioning"):
        results = captioner.caption_batch(pixels, beam=beam)
        if focus and len(written) < FOCUS_PHOTOS:
            greedy = greedy_attention(captioner, pixels[: FOCUS_PHOTOS - len(written)])
            words += greedy[0]
            maps += greedy[1]
        written |= {photo.id: result.text for photo, result in zip(batch, results, strict=True)}
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
