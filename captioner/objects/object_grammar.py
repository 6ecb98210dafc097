"""What a new noun does to the words around it: "a elephant", "a broccoli"."""

from __future__ import annotations

from collections.abc import Collection, Sequence

ARTICLES = ("a", "an")
VOWELS = "aeiou"
CONSONANT_SOUNDS = ("uni", "eu", "one")  # "a unicycle"


def articles_mend(words: Sequence[str], *, nouns: Collection[str], mass: Collection[str]) -> list[tuple[int, str]]:
    """The words that stay, each with its place in `words`.

    `nouns`: words whose articles are mended, those of `mass` lose theirs. All other articles stay as they are.
    """
    mended = []
    for place, word in enumerate(words):
        following = words[place + 1] if place + 1 < len(words) else ""
        if word in ARTICLES and following in mass:
            continue
        if word in ARTICLES and following in nouns:
            vowel = following[0] in VOWELS and not following.startswith(CONSONANT_SOUNDS)
            word = ARTICLES[vowel]  # noqa: PLW2901
        mended.append((place, word))
    return mended
