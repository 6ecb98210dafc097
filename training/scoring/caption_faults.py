"""Faults of captions that no score shows: repetition, captions cut short, the same caption for all photos."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np

# A caption that ends in one of these was cut short: "a man in a". Self-critical training causes that.
_ENDINGS = "a an the and or but of in on at to with for from by into onto over under near through while as is are be"
FUNCTION_WORDS = frozenset(_ENDINGS.split())


@dataclass(frozen=True)
class TextFaults:
    """Faults of a set of captions, without a look at the references. Shares are 0..1.

    distinct: different captions per photo; near 0 when a model says the same of every photo.
    function_word_endings: captions whose last word is a function word ("a man in a").
    repeated_trigrams: trigrams that occurred before in the same caption ("a dog and a dog and a dog").
    repeating_captions: captions that hold such a trigram.
    mean_words: words per caption.
    """

    distinct: float
    function_word_endings: float
    repeated_trigrams: float
    repeating_captions: float
    mean_words: float

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


def captions_faults(captions: Iterable[str]) -> TextFaults:
    """Faults of a set of captions (see TextFaults); at least one caption."""
    texts = [caption.lower().strip(" .") for caption in captions]
    words = [text.split() for text in texts]
    trigrams = [list(zip(w, w[1:], w[2:], strict=False)) for w in words]
    repeated = [len(t) - len(set(t)) for t in trigrams]
    total = sum(map(len, trigrams))
    return TextFaults(
        distinct=len(set(texts)) / len(texts),
        function_word_endings=float(np.mean([bool(w) and w[-1] in FUNCTION_WORDS for w in words])),
        repeated_trigrams=sum(repeated) / total if total else 0.0,
        repeating_captions=float(np.mean([count > 0 for count in repeated])),
        mean_words=float(np.mean([len(w) for w in words])),
    )
