"""The words that search knows: one form for what stands below a photo, its file name, and what a person types.

Both databases index this form and nothing else, so they answer alike. Their own rules for words differ.
"""

import re
import unicodedata
from collections import Counter
from typing import Final

BORDER: Final = "\N{BROKEN BAR}"  # stands between texts, so no phrase crosses it; no query can name it
CHARACTERS_READ: Final = 20_000  # of each text
WORDS_KEPT: Final = 2_000  # of each text; PostgreSQL counts places up to 16,383
WORD_LENGTH: Final = 64  # characters; PostgreSQL takes 2,046 bytes
REPEATS_KEPT: Final = 250  # places of one word; PostgreSQL keeps 255

_ASCII_WORD: Final = re.compile("[a-z0-9]+")
# Letters that Unicode does not take apart, though people type them as others.
_LOOK_ALIKES: Final = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "ŋ": "n"}
)
_KANA_MARKS: Final = "\u3099\u309a"  # tell ga from ka: another letter, not an accent
_INVISIBLE_MARKS: Final = re.compile("[\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_WITHOUT_SPACES: Final = re.compile(
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"  # Burmese
    "\u1780-\u17ff"  # Khmer
    "\u1950-\u19df\u1a20-\u1aaf\uaa80-\uaadf"  # Tai
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\u3040-\u30ff\u31f0-\u31ff\U0001aff0-\U0001b16f"  # kana
    "\u3100-\u312f\u31a0-\u31bf"  # Bopomofo
    "\U00016fe0-\U00018d8f\U0001b170-\U0001b2ff"  # Tangut, Khitan, Nushu
    "\U00020000-\U0003ffff"  # Han
    "]"
)


def search_words(*texts: str) -> str:
    """The words of the texts with single spaces between them, and BORDER between text and text.

    A text of N words and a name give N + 4 words or so; the longest give 260,000 characters.
    """
    places = Counter[str]()
    parts = []
    for text in texts:
        words = text_words(text)
        for number, word in enumerate(words):
            places[word] += 1
            if places[word] > REPEATS_KEPT:
                words[number] = BORDER  # the words around it keep their distance
        if words:
            parts.append(" ".join(words))
    return f" {BORDER} ".join(parts)


def text_words(text: str) -> list[str]:
    """The words of a text: letters and digits, without case and accents, at most WORDS_KEPT of WORD_LENGTH.

    Everything else divides words. In scripts without spaces each letter, with its vowel marks, is a word of its own.
    Any string has such words: NUL, lone surrogates and emoji are no letters.
    """
    text = text[:CHARACTERS_READ]
    if text.isascii():  # the same, ten times as fast
        return [word[:WORD_LENGTH] for word in _ASCII_WORD.findall(text.lower())][:WORDS_KEPT]
    words: list[str] = []
    word = ""
    alone = False  # the word is a letter of a script without spaces: only marks join it
    for character in _folded(text):
        category = unicodedata.category(character)
        if category[0] == "M":
            word = word and word + character
            continue
        letter = category[0] in "LN"
        stands_alone = letter and _WITHOUT_SPACES.match(character) is not None
        if word and (not letter or stands_alone or alone):
            words.append(word[:WORD_LENGTH])
            word = ""
        if letter:
            word, alone = word + character, stands_alone
    if word:
        words.append(word[:WORD_LENGTH])
    return words[:WORDS_KEPT]


def _folded(text: str) -> str:
    """Without case, accents, ligatures, widths and invisible characters."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = "".join(character for character in folded if not _ignored(character))
    # Together again: Hangul is three times as long in parts, and kana keep their marks.
    return unicodedata.normalize("NFC", kept.translate(_LOOK_ALIKES))


def _ignored(character: str) -> bool:
    if character == "\u200b":  # a space without width divides words
        return False
    if unicodedata.combining(character):
        return character not in _KANA_MARKS
    return unicodedata.category(character) in {"Cf", "Me"} or _INVISIBLE_MARKS.match(character) is not None
