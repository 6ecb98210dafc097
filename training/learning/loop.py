"""Training a decoder on the cached features of a frozen encoder."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from captioner.config import DecoderConfig, DecodingDefaults
from captioner.decoders import Decoder, decoder_create
from captioner.search import beam_search
from captioner.vocabulary import PAD, Vocabulary, caption_text
from training.data.batches import CaptionGroup, caption_batches, caption_groups
from training.data.coco import CaptionedPhoto
from training.errors import CheckpointError


@dataclass(frozen=True)
class LoopOptions:
    """How to train. `penalty` weighs the doubly stochastic term (Xu et al. 2015, equation 14), see _spread."""

    epochs: int = 15
    batch_photos: int = 32
    captions_per_photo: int = 5
    max_words: int = 24
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup_epochs: float = 1.0
    label_smoothing: float = 0.1
    penalty: float = 0.02
    clip: float = 1.0
    averaging: float = 0.998
    precision: str = "float32"
    seed: int = 1

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class EpochRecord:
    """Losses are mean nats per token; `validation_loss` is without label smoothing. CIDEr x 100, where Java is."""

    epoch: int
    seconds: float
    train_loss: float
    validation_loss: float
    validation_cider: float | None
    distinct_captions: int

    def line(self, epochs: int) -> str:
        cider = "CIDEr unknown (no Java)" if self.validation_cider is None else f"CIDEr {self.validation_cider:.1f}"
        return (
            f"epoch {self.epoch:2}/{epochs}  {self.seconds:5.0f} s  train {self.train_loss:.3f}  "
            f"validation {self.validation_loss:.3f}  {cider}  {self.distinct_captions} distinct captions"
        )


@dataclass
class TrainingSet:
    """Photos, and one array of features (N, L, C) for each way of looking at them (as they are, mirrored, ...)."""

    photos: Sequence[CaptionedPhoto]
    views: Sequence[np.ndarray]
    groups: list[CaptionGroup] = field(init=False, default_factory=list)


class Trainer:
    """Trains, keeps the best weights by validation, and can go on after being stopped between two epochs."""

    def __init__(
        self,
        *,
        train: TrainingSet,
        validation: TrainingSet,
        vocabulary: Vocabulary,
        decoder: DecoderConfig,
        decoding: DecodingDefaults,
        options: LoopOptions,
        checkpoint: Path,
        score: Callable[[dict[int, list[str]], dict[int, str]], float] | None = None,
        device: str = "cpu",
    ) -> None:
        """`score`: CIDEr of captions against references, both by photo id; without it the loss chooses the best."""
        self.train, self.validation, self.vocabulary = train, validation, vocabulary
        self.config, self.decoding, self.options = decoder, decoding, options
        self.checkpoint, self.score, self.device = checkpoint, score, torch.device(device)
        for part, size in ((train, options.captions_per_photo), (validation, options.captions_per_photo)):
            part.groups = caption_groups(part.photos, vocabulary, size=size, max_words=options.max_words)
        torch.manual_seed(options.seed)
        channels = train.views[0].shape[-1]
        self.decoder = decoder_create(decoder, vocabulary_size=len(vocabulary), feature_channels=channels)
        self.decoder.to(self.device)
        # What is validated and kept: an exponential moving average of the weights, steadier than the last ones.
        self.average = copy.deepcopy(self.decoder).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.decoder.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
        )
        self.history: list[EpochRecord] = []
        self.best: dict[str, Tensor] = {}
        self.steps_per_epoch = math.ceil(len(train.groups) / options.batch_photos)

    def run(self, *, report: Callable[[str], None]) -> None:
        """Trains up to the last epoch; one reported line for each. Saves a checkpoint after every epoch."""
        while len(self.history) < self.options.epochs:
            epoch, begun = len(self.history) + 1, time.monotonic()
            train_loss = self._train_epoch(epoch)
            validation_loss = self._validation_loss()
            captions = self.captions(self.average)
            record = EpochRecord(
                epoch=epoch,
                seconds=time.monotonic() - begun,
                train_loss=train_loss,
                validation_loss=validation_loss,
                validation_cider=self._cider(captions),
                distinct_captions=len(set(captions.values())),
            )
            if not self.history or _quality(record) > max(map(_quality, self.history)):
                self.best = {key: value.detach().clone() for key, value in self.average.state_dict().items()}
            self.history.append(record)
            self._save()
            report(record.line(self.options.epochs))
            report("  " + " | ".join(list(captions.values())[:5]))

    def best_decoder(self) -> Decoder:
        """The decoder with the best weights, in evaluation mode, rounded as a bundle keeps them (float16)."""
        decoder = copy.deepcopy(self.average)
        decoder.load_state_dict(self.best)
        return decoder.half().float()

    def best_record(self) -> EpochRecord:
        return max(self.history, key=_quality)

    def captions(self, decoder: Decoder) -> dict[int, str]:
        """What a decoder says of the validation photos: id -> sentence."""
        photos = self.validation.photos
        texts: list[str] = []
        for first in range(0, len(photos), 64):
            found = beam_search(
                decoder,
                self._features(self.validation, range(first, min(first + 64, len(photos)))),
                beam=self.decoding.beam,
                max_words=self.decoding.max_words,
                length_penalty=self.decoding.length_penalty,
            )
            texts += [caption_text(self.vocabulary.decode(best[0].tokens)) for best in found]
        return {photo.id: text for photo, text in zip(photos, texts, strict=True)}

    def resume(self) -> None:
        """Goes on from the checkpoint. Raises CheckpointError when it is not there or was made with other options."""
        try:
            state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
            made, ours = json.loads(state["settings"]), json.loads(self._settings())
            for settings in (made, ours):
                settings["options"].pop("epochs")  # may change: the learning rate then follows the new number
        except FileNotFoundError as error:
            raise CheckpointError(
                f"There is no checkpoint {self.checkpoint} to resume. Start without --resume."
            ) from error
        except Exception as error:  # whatever torch meets in a file that is none of its own
            raise CheckpointError(
                f"The checkpoint {self.checkpoint} cannot be read ({error}). Delete it and start again."
            ) from error
        if changed := [key for key in ours if made.get(key) != ours[key]]:
            raise CheckpointError(
                f"The checkpoint {self.checkpoint} was made with other settings: {', '.join(changed)}. "
                "Resume with the options it was started with, or start again without --resume."
            )
        self.decoder.load_state_dict(state["decoder"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best = state["best"]
        self.history = [EpochRecord(**record) for record in json.loads(state["history"])]
        torch.set_rng_state(state["rng"].cpu())

    def _train_epoch(self, epoch: int) -> float:
        options = self.options
        self.decoder.train()
        # Seeded by epoch: a resumed run draws what an uninterrupted one would have drawn.
        generator = np.random.default_rng((options.seed, epoch))
        batches = caption_batches(self.train.groups, size=options.batch_photos, generator=generator)
        total, count = 0.0, 0
        with tqdm(total=self.steps_per_epoch, desc=f"epoch {epoch}", unit="step", disable=None) as bar:
            for done, (rows, tokens) in enumerate(batches):
                step = (epoch - 1) * self.steps_per_epoch + done
                for group in self.optimizer.param_groups:
                    group["lr"] = options.learning_rate * self._rate(step)
                views = generator.integers(len(self.train.views), size=len(rows))
                features = self._features(self.train, rows, views)
                loss, spread, words = self._loss(self.decoder, features, tokens)
                self.optimizer.zero_grad(set_to_none=True)
                (loss + options.penalty * spread).backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(self.decoder.parameters(), options.clip)
                self.optimizer.step()
                self._average(step)
                total, count = total + float(loss.detach()) * words, count + words
                bar.set_postfix(loss=f"{total / count:.3f}", refresh=False)
                bar.update()
        return total / count

    def _rate(self, step: int) -> float:
        """Linear warm-up, then half a cosine to zero; a share of the learning rate."""
        total = self.options.epochs * self.steps_per_epoch
        warmup = max(1, round(self.options.warmup_epochs * self.steps_per_epoch))
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))

    def _average(self, step: int) -> None:
        decay = min(self.options.averaging, (1 + step) / (10 + step))
        with torch.no_grad():
            for ours, theirs in zip(self.average.parameters(), self.decoder.parameters(), strict=True):
                ours.lerp_(theirs, 1 - decay)

    def _loss(self, decoder: Decoder, features: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, int]:
        """Mean cross-entropy per token, the spread of the attention, and the number of tokens."""
        tokens = tokens.to(self.device)
        inputs, targets = tokens[:, :, :-1], tokens[:, :, 1:]
        real = targets != PAD
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.precision == "bfloat16"):
            vectors, attention = decoder.vectors(features, inputs)
            logits = decoder.logits(vectors[real])
        smoothing = self.options.label_smoothing if decoder.training else 0.0
        loss = F.cross_entropy(logits.float(), targets[real], label_smoothing=smoothing)
        return loss, _spread(attention.float(), real), int(real.sum())

    @torch.no_grad()
    def _validation_loss(self) -> float:
        total, count = 0.0, 0
        for rows, tokens in caption_batches(self.validation.groups, size=64):
            loss, _, words = self._loss(self.average, self._features(self.validation, rows), tokens)
            total, count = total + float(loss) * words, count + words
        return total / count

    def _cider(self, captions: dict[int, str]) -> float | None:
        if self.score is None:
            return None
        return self.score({photo.id: list(photo.captions) for photo in self.validation.photos}, captions)

    def _features(self, part: TrainingSet, rows: Sequence[int], views: Iterable[int] = repeat(0)) -> Tensor:
        """Features of photos `rows`, each looked at in its own of `views`."""
        chosen = [part.views[view][row] for view, row in zip(views, rows, strict=False)]
        return torch.from_numpy(np.stack(chosen).astype(np.float32)).to(self.device)

    def _settings(self) -> str:
        return json.dumps(
            {
                "decoder": self.config.to_dict(),
                "options": self.options.to_dict(),
                "words": len(self.vocabulary),
                "photos": [len(self.train.photos), len(self.validation.photos)],
            }
        )

    def _save(self) -> None:
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        partial = self.checkpoint.with_suffix(".partial")
        state = {
            "settings": self._settings(),
            "history": json.dumps([asdict(record) for record in self.history]),
            "decoder": self.decoder.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "rng": torch.get_rng_state(),
        }
        torch.save(state, partial)
        partial.replace(self.checkpoint)


def _spread(attention: Tensor, real: Tensor) -> Tensor:
    """How unevenly a caption looks over the photo, all words together: mean over captions of sum_i (L/T a_i - 1)^2 / L.

    Xu et al. (equation 14) ask that every place be looked at once in total, which T words cannot do for L > T
    places: that pull made every map uniform. Here the share of each place is compared with 1 / L.
    """
    if attention.shape[-1] == 0:
        return attention.new_zeros(())
    words = real.sum(-1, keepdim=True)
    share = (attention * real.unsqueeze(-1)).sum(2) / words.clamp(min=1)
    return ((share * attention.shape[-1] - 1).square().mean(-1) * (words > 0).squeeze(-1)).mean()


def _quality(record: EpochRecord) -> float:
    return -record.validation_loss if record.validation_cider is None else record.validation_cider
