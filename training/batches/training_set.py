"""Captioned photos with their cached features, batch by batch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from captioner.vocabulary import PAD, Vocabulary
from training.batches.caption_batches import CaptionGroup, caption_batches, caption_groups, same_length_batches
from training.data.dataset import CaptionedPhoto
from training.options.training_options import TrainingOptions


class Batch(NamedTuple):
    """Photo ids (B), their cached features (B, ...), their captions int64 (B, K, T)."""

    photos: Sequence[int]
    maps: Tensor
    tokens: Tensor

    @property
    def captions(self) -> int:
        return int((self.tokens[:, :, 0] != PAD).sum())


@dataclass
class TrainingSet:
    """`views`: cached features (N, ...), for each view of the photos (as they are, mirrored, ...)."""

    photos: Sequence[CaptionedPhoto]
    views: Sequence[np.ndarray]
    vocabulary: Vocabulary
    options: TrainingOptions
    groups: list[CaptionGroup] = field(init=False)

    def __post_init__(self) -> None:
        self.groups = caption_groups(
            self.photos, self.vocabulary, size=self.options.captions_per_photo, max_words=self.options.words_max
        )

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        if self._same_length:
            return math.ceil(sum(len(group.captions) for group in self.groups) / self.options.batch_captions)
        return math.ceil(len(self.groups) / self.options.batch_photos)

    @property
    def _same_length(self) -> bool:
        return self.options.batching == "same_length"

    def batches(self, *, seed: tuple[int, ...], first: int, device: torch.device) -> Iterator[Batch]:
        """The batches of an epoch after the `first`. `seed` decides their order and the view of each photo."""
        generator = np.random.default_rng(seed)
        order = (
            same_length_batches(self.groups, size=self.options.batch_captions, generator=generator)
            if self._same_length
            else caption_batches(self.groups, size=self.options.batch_photos, generator=generator)
        )
        for step, (rows, tokens) in enumerate(order):
            views = np.random.default_rng((*seed, step)).integers(len(self.views), size=len(rows))
            if step >= first:
                yield self._batch(rows, views, tokens, device)

    def in_order(self, *, size: int, device: torch.device) -> Iterator[Batch]:
        """All captions, `size` photos at a time, photos as they are."""
        for rows, tokens in caption_batches(self.groups, size=size):
            yield self._batch(rows, np.zeros(len(rows), dtype=int), tokens, device)

    def maps(self, rows: Sequence[int], *, device: torch.device) -> Tensor:
        """The cached features of these photos, as they are."""
        return _moved(np.stack([self.views[0][row] for row in rows]), device)

    def _batch(self, rows: Sequence[int], views: np.ndarray, tokens: Tensor, device: torch.device) -> Batch:
        maps = np.stack([self.views[view][row] for row, view in zip(rows, views, strict=True)])
        return Batch([self.photos[row].id for row in rows], _moved(maps, device), tokens.to(device))


def _moved(maps: np.ndarray, device: torch.device) -> Tensor:
    """On the device. Half precision becomes float32 there, in the layout that convolutions are fast in."""
    tensor = torch.from_numpy(maps)
    if device.type == "cuda":
        tensor = tensor.pin_memory().to(device, non_blocking=True)
    if not tensor.is_floating_point():
        return tensor  # pixels, which the encoder takes as they are
    layout = torch.channels_last if tensor.dim() == 4 else torch.contiguous_format
    return tensor.float().contiguous(memory_format=layout)
