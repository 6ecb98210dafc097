"""The form of words that search knows."""

import sys
import unicodedata

import pytest

from webapp.photos.search_words import BORDER, CHARACTERS_READ, REPEATS_KEPT, WORD_LENGTH, WORDS_KEPT, search_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("IMG_1234-beach.JPG", "img 1234 beach jpg"),
        ("Crème brûlée, façade; Ångström", "creme brulee facade angstrom"),
        ("Straße STRASSE ẞ", "strasse strasse ss"),
        ("ılık İstanbul", "ilik istanbul"),
        ("Łódź Tromsø Æsir cœur þing", "lodz tromso aesir coeur thing"),
        ("ﬁne oﬃce", "fine office"),
        ("ＡＢＣ１２３　ｄｅｆ", "abc123 def"),
        ("m² ½ ①", "m2 1 2 1"),
        ("Ὀδυσσεύς", "οδυσσευσ"),
        ("a dog's", "a dog s"),
        ("co\u00adop e\u0301te\u0301 zero\u200bwidth", "coop ete zero width"),
    ],
)
def test_words_are_free_of_case_accents_and_forms(text: str, words: str) -> None:
    assert search_words(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("東京タワー2024", "東 京 タ ワ ー 2024"),
        ("ｶﾞｽ", "ガ ス"),  # not カ: it is another letter
        ("แมวดำ", "แ ม ว ด\u0e4d า"),
        ("葛\U000e0100城", "葛 城"),
        ("한국 서울", "한국 서울"),
        ("कुत्ता दौड़ता", "कुतता दौडता"),
    ],
)
def test_letters_of_scripts_without_spaces_are_words(text: str, words: str) -> None:
    assert search_words(text) == words


@pytest.mark.parametrize("text", ["", "\0", "\ud800", "🐶❤️", "¦ | ' \" \\", "\u0301", "\ufe0f"])
def test_what_is_no_letter_is_no_word(text: str) -> None:
    assert search_words(text) == ""


def test_ascii_is_read_as_all_else_is() -> None:
    text = "".join(map(chr, range(128))) + " A_b 12-x."
    assert search_words(f"{text} é") == f"{search_words(text)} e"


def test_border_stands_between_texts_that_have_words() -> None:
    assert search_words("a dog", "img.jpg") == f"a dog {BORDER} img jpg"
    assert search_words("", "img.jpg") == "img jpg"
    assert search_words(BORDER) == ""


def test_length_is_bounded() -> None:
    word, most = "x" * WORD_LENGTH, WORDS_KEPT
    assert search_words("x" * 1000) == word
    numbers = " ".join(map(str, range(3 * most)))
    assert search_words(numbers).split() == [str(number) for number in range(most)]
    assert len(search_words("\ufdfa" * 10 * CHARACTERS_READ)) < (WORD_LENGTH + 1) * most


def test_repeated_word_keeps_its_first_places() -> None:
    """PostgreSQL keeps no more. What stands around the others keeps its distance."""
    words = search_words("ha " * (REPEATS_KEPT + 2) + "end", "ha.jpg").split()
    assert words == [*["ha"] * REPEATS_KEPT, BORDER, BORDER, "end", BORDER, BORDER, "jpg"]


@pytest.mark.slow
def test_words_of_words_are_the_same_words() -> None:
    """For each character there is: a query that was normalised finds what was normalised."""
    assigned = [
        one for one in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(one) not in {"Cn", "Co", "Cs"}
    ]
    for first in range(0, len(assigned), 500):
        text = " ".join(f"{ord(one):x}{one}{ord(one):x}" for one in assigned[first : first + 500])
        once = search_words(text)
        assert search_words(once) == once, text
