"""Judges a model on the validation photos: its loss, captions and attention."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from captioner.beam_search import Hypothesis, beam_search
from captioner.config import DecodingDefaults
from captioner.consensus import consensus_create
from captioner.vocabulary import PAD, Vocabulary, caption_text
from training.batches.training_set import TrainingSet
from training.data.dataset import CaptionedPhoto, photos_sample
from training.errors import TrainingDiverged
from training.hardware.mixed_precision import Arithmetic
from training.model.trained_model import TrainedModel
from training.objectives.cross_entropy import caption_loss
from training.scoring.attention_focus import Focus, attention_focus
from training.scoring.bundle_evaluation import FOCUS_PHOTOS
from training.scoring.coco_scorer import Scorer, Scores

BATCH = 50


@dataclass(frozen=True)
class Spoken:
    """A caption of a photo: words with their probabilities, attention float32 (T, L), or (T, 0) without."""

    photo: int
    words: list[str]
    probabilities: list[float]
    attention: np.ndarray

    @property
    def text(self) -> str:
        return caption_text(self.words)


@dataclass(frozen=True)
class Validated:
    """`loss`: mean cross-entropy in nats per token, without label smoothing. `focus`: None without attention."""

    loss: float
    spoken: list[Spoken]
    scores: Scores
    comparable: bool
    focus: Focus | None

    @property
    def captions(self) -> dict[int, str]:
        return {spoken.photo: spoken.text for spoken in self.spoken}

    @property
    def distinct(self) -> float:
        return len(set(self.captions.values())) / len(self.spoken)


class Validation:
    """Judges models on the same photos in the same way."""

    def __init__(
        self,
        data: TrainingSet,
        *,
        vocabulary: Vocabulary,
        decoding: DecodingDefaults,
        scorer: Scorer,
        arithmetic: Arithmetic,
        device: torch.device,
        check: Callable[[], None],
    ) -> None:
        """`check` is called between batches and may raise to stop."""
        self.data, self.vocabulary, self.decoding, self.scorer = data, vocabulary, decoding, scorer
        self.arithmetic, self.device, self.check = arithmetic, device, check

    @torch.inference_mode()
    def judge(self, model: TrainedModel) -> Validated:
        """Raises TrainingDiverged for a model whose loss is not a number. Such a model has no best caption."""
        model.eval()
        loss = self._loss(model)
        if not math.isfinite(loss):
            raise TrainingDiverged(
                f"The loss on the validation photos is {loss}: the last steps of the epoch broke the model. "
                "Start again with a lower learning rate, with --clip 1, or with --precision float32."
            )
        spoken = self.speak(model, self.data.photos, decoding=self.decoding)
        said = {one.photo: one.text for one in spoken}
        return Validated(
            loss=loss,
            spoken=spoken,
            scores=self.scorer.scores({photo.id: list(photo.captions) for photo in self.data.photos}, said),
            comparable=self.scorer.comparable,
            focus=self._focus(model),
        )

    @torch.inference_mode()
    def speak(
        self, model: TrainedModel, photos: Sequence[CaptionedPhoto], *, decoding: DecodingDefaults
    ) -> list[Spoken]:
        """The best caption of each of these validation photos, in their order."""
        row_of = {photo.id: row for row, photo in enumerate(self.data.photos)}
        spoken: list[Spoken] = []
        for first in range(0, len(photos), BATCH):
            self.check()
            chosen = photos[first : first + BATCH]
            maps = self.data.maps([row_of[photo.id] for photo in chosen], device=self.device)
            found = beam_search(
                model.decoder,
                model.features(maps),
                beam=decoding.beam,
                max_words=decoding.max_words,
                length_penalty=decoding.length_penalty,
                consensus=consensus_create(decoding, self.vocabulary.information),
            )
            spoken += [self._spoken(photo.id, best[0]) for photo, best in zip(chosen, found, strict=True)]
        return spoken

    def _spoken(self, photo: int, hypothesis: Hypothesis) -> Spoken:
        return Spoken(
            photo=photo,
            words=self.vocabulary.decode(hypothesis.tokens),
            probabilities=[math.exp(log) for log in hypothesis.log_probabilities],
            attention=hypothesis.attention.numpy(),
        )

    def _loss(self, model: TrainedModel) -> float:
        total, count = 0.0, 0
        for batch in self.data.in_order(size=BATCH, device=self.device):
            self.check()
            with self.arithmetic.autocast():
                nats = caption_loss(model.decoder, model.features(batch.maps), batch.tokens).nats
            tokens = int((batch.tokens != PAD).sum()) - batch.captions
            total, count = total + float(nats) * tokens, count + tokens
        return total / count

    def _focus(self, model: TrainedModel) -> Focus | None:
        """The focus of greedy captions: each word is the model's first choice."""
        greedy = DecodingDefaults(beam=1, max_words=self.decoding.max_words)
        spoken = self.speak(model, photos_sample(self.data.photos, limit=FOCUS_PHOTOS), decoding=greedy)
        if spoken[0].attention.shape[-1] == 0:
            return None
        return attention_focus([one.words for one in spoken], [one.attention for one in spoken])
