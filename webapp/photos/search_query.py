"""What a person typed into the search field, as terms, and the terms in the language of each database.

    dog               words that begin with it: dog, dogs, doghouse; dog* says the same
    "dog"             this word alone
    "two dogs"        these words, one after the other
    IMG_1234-beach    a phrase too, as its parts stand together in a name; the last word may go on
    -dog  -"two dogs" photos that the term does not find

A photo has all wanted terms, in any order, and none of the unwanted: in its text, its file name, or the objects that
were seen in it. Case and accents do not count. There are no other
operators: OR is a word. What is no word is ignored. A query without any word filters nothing: it finds all photos.
"""

import re
from dataclasses import dataclass
from typing import Final

from webapp.photos.search_index import TEXT_WEIGHT, WORDS
from webapp.photos.search_words import text_words

CHARACTERS_READ: Final = 10_000
TERMS_KEPT: Final = 32  # the first ones; each narrows the result, so leaving one out hides no photo
PHRASE_WORDS_KEPT: Final = 64

_QUOTES: Final = str.maketrans(dict.fromkeys("“”„‟«»＂", '"'))
_TERM: Final = re.compile(r'(?P<minus>[-－−–]*)(?:"(?P<phrase>[^"]*)(?:"|$)|(?P<plain>[^\s"]+))')


@dataclass(frozen=True)
class Term:
    """Words that stand one after the other; after a `prefix`, the last one goes on with any letters."""

    words: tuple[str, ...]
    prefix: bool

    @property
    def fts5(self) -> str:
        return f'"{" ".join(self.words)}"{" *" if self.prefix else ""}'

    def tsquery(self, *, weight: str = "") -> str:
        """`weight`: which the words must have."""
        *before, last = self.words
        labelled = [*(f"'{word}':{weight}" for word in before), f"'{last}':{'*' if self.prefix else ''}{weight}"]
        return f"({' <-> '.join(word.removesuffix(':') for word in labelled)})"


@dataclass(frozen=True)
class SearchQuery:
    """`in_text`: each wanted term stands in text or file name. Without it, objects that were seen count too."""

    wanted: tuple[Term, ...] = ()
    unwanted: tuple[Term, ...] = ()
    in_text: bool = False

    def __bool__(self) -> bool:
        """Whether it filters anything."""
        return bool(self.wanted or self.unwanted)

    @property
    def fts5(self) -> str:
        """For MATCH. Without a wanted term it finds what the query does not: FTS5 has no bare NOT."""
        wanted = " AND ".join(term.fts5 for term in self.wanted)
        if wanted and self.in_text:
            wanted = f"{{{WORDS}}} : ({wanted})"
        unwanted = " OR ".join(term.fts5 for term in self.unwanted)
        return f"({wanted}) NOT ({unwanted})" if wanted and unwanted else wanted or unwanted

    @property
    def tsquery(self) -> str:
        """Lexemes that need no text search configuration."""
        weight = TEXT_WEIGHT if self.in_text else ""
        wanted = [term.tsquery(weight=weight) for term in self.wanted]
        return " & ".join([*wanted, *(f"!{term.tsquery()}" for term in self.unwanted)])


def search_query(text: str) -> SearchQuery:
    """Any string is a query. A quote that is not closed goes to the end."""
    wanted: dict[Term, None] = {}
    unwanted: dict[Term, None] = {}
    for found in _TERM.finditer(text[:CHARACTERS_READ].translate(_QUOTES)):
        plain = found["plain"]
        words = text_words(found["phrase"] if plain is None else plain)
        if not words:
            continue
        term = Term(tuple(words[:PHRASE_WORDS_KEPT]), prefix=plain is not None and len(words) <= PHRASE_WORDS_KEPT)
        (unwanted if found["minus"] else wanted)[term] = None
        if len(wanted) + len(unwanted) == TERMS_KEPT:
            break
    return SearchQuery(tuple(wanted), tuple(unwanted))
