"""Where a search stands in a text: the words that it wanted are marked, in the spelling of the text.

The search compares normalised words (`search_words`), so a mark may begin at an accent or a capital that nobody typed.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from webapp.photos.search_query import Term, search_query
from webapp.photos.search_words import text_words

_ASCII_WORD: Final = re.compile("[A-Za-z0-9]+")
_DIVIDES: Final = "\u200b"  # a space without width


@dataclass(frozen=True)
class Word:
    """A normalised word, and where it stands."""

    text: str
    start: int
    end: int


def text_marked(text: str, query: str) -> SafeString:
    """The text as HTML, escaped, with `<mark>` around each part that the query wants."""
    parts, last = [], 0
    for start, end in marks_of(text, query):
        parts += [escape(text[last:start]), "<mark>", escape(text[start:end]), "</mark>"]
        last = end
    return mark_safe("".join([*parts, escape(text[last:])]))  # noqa: S308 - all that is not ours is escaped


def marks_of(text: str, query: str) -> list[tuple[int, int]]:
    """Start and end of each part to mark, in order and apart from each other."""
    terms = _terms(query)
    words = list(_words(text)) if terms else []
    spans = sorted(span for term in terms for span in _spans(term, words))
    apart: list[tuple[int, int]] = []
    for start, end in spans:
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


@lru_cache(maxsize=64)
def _terms(query: str) -> tuple[Term, ...]:
    return search_query(query).wanted


def _spans(term: Term, words: list[Word]) -> Iterator[tuple[int, int]]:
    *before, last = term.words
    for first in range(len(words) - len(before)):
        *ahead, end = words[first : first + len(term.words)]
        if [word.text for word in ahead] == before and (
            end.text == last or (term.prefix and end.text.startswith(last))
        ):
            yield words[first].start, end.end


def _words(text: str) -> Iterator[Word]:
    if text.isascii():
        for found in _ASCII_WORD.finditer(text):
            yield Word(found.group().lower(), *found.span())
        return
    for start, end in _runs(text):
        words = text_words(text[start:end])
        if len(words) == 1:
            yield Word(words[0], start, end)
            continue
        # A script without spaces: each letter with its marks is a word.
        for first, after in _letters(text, start, end):
            for word in text_words(text[first:after]):
                yield Word(word, first, after)


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Letters, digits and what joins them."""
    start = None
    for place, character in enumerate(f"{text} "):
        category = unicodedata.category(character)
        if category[0] in "LNM" or (category == "Cf" and character != _DIVIDES):
            start = place if start is None else start
        elif start is not None:
            yield start, place
            start = None


def _letters(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    first = start
    for place in range(start + 1, end + 1):
        if place == end or unicodedata.category(text[place])[0] != "M":
            yield first, place
            first = place
