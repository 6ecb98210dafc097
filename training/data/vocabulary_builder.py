"""A vocabulary from captions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from captioner.vocabulary import SPECIALS, Vocabulary, caption_tokens


def vocabulary_build(captions: Iterable[str], *, threshold: int) -> Vocabulary:
    """Every word that occurs at least `threshold` times, commonest first (ties by alphabet).

    The count kept for <unk> is that of all rarer words together. Raises VocabularyError when no word is left.
    """
    counts = Counter(token for caption in captions for token in caption_tokens(caption))
    kept = sorted(
        (word for word, count in counts.items() if count >= threshold), key=lambda word: (-counts[word], word)
    )
    rare = sum(counts.values()) - sum(counts[word] for word in kept)
    return Vocabulary((*SPECIALS, *kept), (0, 0, 0, rare, *(counts[word] for word in kept)))
