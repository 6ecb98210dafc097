"""Temperature, trust and reliability of an object head, from photos that people described."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from captioner.objects.object_evidence import ObjectEvidence
from captioner.objects.object_words import ObjectWords
from captioner.vocabulary import caption_tokens

SEEN = 0.3  # probability from which on a word counts as seen where trust is fitted
PRIOR = (8.0, 0.5)  # named, and not named: what is believed of a word before any photo. People leave things out.
TEMPERATURES = [step / 20 for step in range(10, 61)]
BINS = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)


@dataclass(frozen=True)
class Bin:
    """Of the photos whose likeliest object has a probability in this bin: their number, its mean, and the share in
    which a caption names that object."""

    photos: int
    probability: float
    named: float


def words_named(table: ObjectWords, captions: Sequence[Sequence[str]]) -> Tensor:
    """bool (photos, words): whether one of the photo's captions says the word, its plural or a synonym."""
    found = torch.zeros(len(captions), len(table.words), dtype=torch.bool)
    names = [[f" {name} " for name in word.names] for word in table.words]
    for photo, texts in enumerate(captions):
        said = " | ".join(f" {' '.join(caption_tokens(text))} " for text in texts)
        for column, each in enumerate(names):
            found[photo, column] = any(name in said for name in each)
    return found


def temperature_fit(table: ObjectWords, scores: Tensor, named: Tensor) -> float:
    """The temperature with the least negative log-likelihood of whether people name the likeliest object.

    Only words that captions may say count: people name few others. `scores`: (photos, classes). `named`: as
    words_named. Guo et al. 2017, "On Calibration of Modern Neural Networks",
    section 4.2, with people's captions for labels.
    """
    sayable = [bool(word.kind) for word in table.words]
    # The object stays the same: with classes in great numbers, "dog" would win whatever the temperature makes even.
    column = ObjectEvidence(table, temperature=1.0).sums(scores)[:, sayable].argmax(1, keepdim=True)
    truth = named[:, sayable].gather(1, column).float()
    losses = {}
    for temperature in TEMPERATURES:
        sums = ObjectEvidence(table, temperature=temperature).sums(scores)[:, sayable]
        likely = sums.gather(1, column).clamp(1e-4, 1 - 1e-4)
        losses[temperature] = float(torch.nn.functional.binary_cross_entropy(likely, truth))
    return min(losses, key=losses.__getitem__)


def trust_fit(table: ObjectWords, probabilities: Tensor, named: Tensor) -> ObjectWords:
    """The table with the trust of each word: of the photos where it is seen, how many have a caption that names it.

    `probabilities`: (photos, words), each word trusted fully. The prior holds where few photos show a word.
    """
    seen = probabilities > SEEN
    hits, all_ = (seen & named).sum(0), seen.sum(0)
    yes, no = PRIOR
    return replace(
        table,
        words=tuple(
            replace(word, trust=round((yes + hit) / (yes + no + total), 4))
            for word, hit, total in zip(table.words, hits.tolist(), all_.tolist(), strict=True)
        ),
    )


def reliability(probabilities: Tensor, named: Tensor) -> list[Bin]:
    """A reliability diagram in numbers, over the likeliest object of each photo (Guo et al. 2017, section 2)."""
    likeliest, column = probabilities.max(1)
    truth = named.gather(1, column.unsqueeze(1)).squeeze(1).float()
    bins = []
    for low, high in itertools.pairwise(BINS):
        inside = (likeliest >= low) & (likeliest < high if high < 1 else likeliest <= high)
        if bool(inside.any()):
            bins.append(Bin(int(inside.sum()), float(likeliest[inside].mean()), float(truth[inside].mean())))
    return bins
