"""What a new noun does to the article before it: "a elephant", "a broccoli"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

ARTICLES = ("a", "an")


def articles_mend(words: Sequence[str], *, articles: Mapping[str, str]) -> list[tuple[int, str]]:
    """The words that stay, each with its place in `words`.

    `articles`: of the nouns whose articles are mended; "": it takes none. All other articles stay as they are.
    """
    mended = []
    for place, word in enumerate(words):
        following = words[place + 1] if place + 1 < len(words) else ""
        wanted = articles.get(following) if word in ARTICLES else word
        if wanted != "":
            mended.append((place, word if wanted is None else wanted))
    return mended
