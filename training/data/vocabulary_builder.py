"""Builds a vocabulary from captions, and measures how much of them it knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from captioner.errors import VocabularyError
from captioner.vocabulary import SPECIALS, UNKNOWN, Vocabulary, caption_tokens

THRESHOLD = 5  # the default
THRESHOLDS = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20)


def vocabulary_build(captions: Iterable[str], *, threshold: int) -> Vocabulary:
    """Every word that occurs at least `threshold` times, commonest first (ties by alphabet).

    <unk> has the count of all rarer words together. Raises VocabularyError if no word is left.
    """
    counts = Counter(token for caption in captions for token in caption_tokens(caption))
    kept = sorted(
        (word for word, count in counts.items() if count >= threshold), key=lambda word: (-counts[word], word)
    )
    if not kept:
        often = f"the commonest, {max(counts, key=counts.__getitem__)!r}, occurs {max(counts.values())} times"
        raise VocabularyError(
            f"The vocabulary is empty: no word reached the threshold. Lower it: --threshold is {threshold}, and "
            f"{often if counts else 'there is no word at all'}."
        )
    rare = sum(counts.values()) - sum(counts[word] for word in kept)
    return Vocabulary((*SPECIALS, *kept), (0, 0, 0, rare, *(counts[word] for word in kept)))


def vocabulary_extend(vocabulary: Vocabulary, captions: Iterable[str], *, threshold: int) -> Vocabulary:
    """The same words in the same places, then the new ones of `captions`. So what was learnt of a word stays with it.

    The counts of `captions` are added.
    """
    counts = Counter(token for caption in captions for token in caption_tokens(caption))
    new = sorted(
        (word for word, count in counts.items() if count >= threshold and word not in vocabulary.index),
        key=lambda word: (-counts[word], word),
    )
    words = (*vocabulary.words, *new)
    rare = sum(counts.values()) - sum(counts[word] for word in words)
    known = zip(vocabulary.words, vocabulary.counts, strict=True)
    kept = [count + (rare if word == SPECIALS[UNKNOWN] else counts[word]) for word, count in known]
    return Vocabulary(words, (*kept, *(counts[word] for word in new)))


@dataclass(frozen=True)
class Coverage:
    """`unknown_rate`: share of unknown words, each occurrence counted. `captions_whole`: of captions without one."""

    unknown_rate: float
    captions_whole: float


def vocabulary_coverage(captions: Iterable[str], vocabulary: Vocabulary) -> Coverage:
    """Shares in 0..1. Captions without words: 0 and 1."""
    unknown = [[token not in vocabulary.index for token in caption_tokens(caption)] for caption in captions]
    words = sum(map(len, unknown))
    whole = sum(not any(flags) for flags in unknown)
    return Coverage(sum(map(sum, unknown)) / words if words else 0.0, whole / len(unknown) if unknown else 1.0)


@dataclass(frozen=True)
class ThresholdRow:
    """A threshold, the number of words that it keeps (without special tokens), and their coverage."""

    threshold: int
    words: int
    coverage: Coverage


def vocabulary_thresholds(captions: Iterable[str], *, thresholds: Iterable[int] = THRESHOLDS) -> list[ThresholdRow]:
    """For each threshold what vocabulary_coverage would find. Captions are split into words only once."""
    tokens = [caption_tokens(caption) for caption in captions]
    counts = Counter(token for caption in tokens for token in caption)
    rarest = [min((counts[token] for token in caption), default=None) for caption in tokens]
    total = counts.total()
    rows = []
    for threshold in thresholds:
        kept = [count for count in counts.values() if count >= threshold]
        whole = sum(least is None or least >= threshold for least in rarest)
        coverage = Coverage(
            unknown_rate=(total - sum(kept)) / total if total else 0.0,
            captions_whole=whole / len(tokens) if tokens else 1.0,
        )
        rows.append(ThresholdRow(threshold, len(kept), coverage))
    return rows
