"""Captions as batches of token indices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from captioner.vocabulary import END, PAD, START, Vocabulary, caption_tokens
from training.data.dataset import CaptionedPhoto


@dataclass(frozen=True)
class CaptionGroup:
    """Some captions of one photo. `row`: of the photo in the features. Each caption: <start>, words, <end>."""

    row: int
    captions: list[list[int]]

    @property
    def length(self) -> int:
        return max(map(len, self.captions))


def caption_groups(
    photos: Sequence[CaptionedPhoto], vocabulary: Vocabulary, *, size: int, max_words: int
) -> list[CaptionGroup]:
    """At most `size` captions to a group. Long ones are cut after `max_words`, without <end>. Empty ones go."""
    groups = []
    for row, photo in enumerate(photos):
        encoded = [vocabulary.encode(caption_tokens(text)) for text in photo.captions]
        captions = [[START, *words, END][: max_words + 1] for words in encoded if words]
        groups += [CaptionGroup(row, captions[i : i + size]) for i in range(0, len(captions), size)]
    return groups


def caption_batches(
    groups: Sequence[CaptionGroup], *, size: int, generator: np.random.Generator | None = None
) -> Iterator[tuple[list[int], Tensor]]:
    """Feature rows and int64 tokens (B, K, T), padded; B is at most `size`.

    Groups of about the same length go together, so little is padding. With a generator their order and company are
    random, without one they are always the same.
    """
    lengths = np.array([group.length for group in groups], dtype=float)
    if generator is not None:
        lengths += generator.uniform(0, 3, len(groups))
    order = lengths.argsort(kind="stable")
    batches = [order[i : i + size] for i in range(0, len(order), size)]
    if generator is not None:
        generator.shuffle(batches)
    for batch in batches:
        chosen = [groups[i] for i in batch]
        shape = (len(chosen), max(len(group.captions) for group in chosen), max(group.length for group in chosen))
        tokens = torch.full(shape, PAD)
        for i, group in enumerate(chosen):
            for k, caption in enumerate(group.captions):
                tokens[i, k, : len(caption)] = torch.tensor(caption)
        yield [group.row for group in chosen], tokens


def same_length_batches(
    groups: Sequence[CaptionGroup], *, size: int, generator: np.random.Generator
) -> Iterator[tuple[list[int], Tensor]]:
    """Captions of one length together, as the tutorial's sampler draws them: feature rows, int64 tokens (B, 1, T).

    Every step draws a length in proportion to how many captions have it, then `size` captions of that length, each once
    if there are enough. An epoch has captions / size steps. Nothing is padded, and an epoch does not meet every
    caption.
    """
    captions = [(group.row, caption) for group in groups for caption in group.captions]
    lengths = np.array([len(caption) for _, caption in captions])
    for _ in range(-(-len(captions) // size)):
        alike = np.flatnonzero(lengths == lengths[generator.integers(len(lengths))])
        chosen = [captions[i] for i in generator.choice(alike, size=size, replace=len(alike) < size)]
        yield [row for row, _ in chosen], torch.tensor([[caption] for _, caption in chosen])
