"""The objects that the captioner's image classifier sees: which are told, which words it chose. No database."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from webapp.photos.search_words import search_words, text_words

CERTAIN: Final = 0.5  # probability from which an object is shown below the photo and found by the search
_PLURALS: Final = {"goose": "geese", "man": "men", "mouse": "mice", "person": "people", "woman": "women"}


def word_certainty(word: Mapping[str, Any]) -> tuple[float, bool]:
    """How sure a word of `Caption.words` is, 0 to 1, and whether the image classifier says so: it chose the word."""
    seen = word.get("seen")
    return (math.exp(min(word["log_probability"], 0.0)), False) if seen is None else (seen, True)


def objects_certain(objects: Iterable[Mapping[str, Any]]) -> list[str]:
    """The words of the certain ones of `Caption.seen_objects`, in their order."""
    return [seen["word"] for seen in objects if seen["probability"] >= CERTAIN]


def objects_unsaid(words: Iterable[str], *, texts: Collection[str]) -> list[str]:
    """Those words that no text says, neither in the singular nor in the plural."""
    said = search_words(*texts).split()
    return [word for word in words if not any(_stands_in(form, said) for form in _forms(text_words(word)))]


def _forms(words: Sequence[str]) -> list[list[str]]:
    """Singular and plurals. Some of the plurals are no English, so no text has them."""
    *before, last = words or [""]
    plurals = [f"{last}s", f"{last}es", _PLURALS.get(last, last)]
    if last.endswith("y"):
        plurals.append(f"{last[:-1]}ies")
    if last.endswith(("f", "fe")):
        plurals.append(f"{last.removesuffix('e')[:-1]}ves")
    return [[*before, form] for form in (last, *plurals)]


def _stands_in(words: list[str], said: list[str]) -> bool:
    return any(said[start : start + len(words)] == words for start in range(len(said)))
