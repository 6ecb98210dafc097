"""What a person typed, as a text for one line. No database."""

import unicodedata
from typing import Final

_BREAKS: Final = frozenset({"Cc", "Zl", "Zp", "Cs"})  # controls, line and paragraph ends, halves of a character
_UNSEEN: Final = frozenset(  # they break searches, or turn around what stands beside the text
    "\u200b\u2060\ufeff"  # spaces of no width
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # directions that reach beyond a word
)


def typed_text(typed: str) -> str:
    """The text on one line, with single spaces. Empty if there is nothing to see in it.

    Joiners stay: Persian, Indic scripts and many emoji are written with them.
    """
    spaced = "".join(" " if _is_break(character) else character for character in typed)
    text = " ".join(spaced.split())
    return text if any(unicodedata.category(character) != "Cf" for character in text) else ""


def _is_break(character: str) -> bool:
    return character in _UNSEEN or unicodedata.category(character) in _BREAKS
