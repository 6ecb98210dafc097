import pytest

from webapp.captioning.typed_text import typed_text

FAMILY = "👨‍👩‍👧 at the beach"  # three people, joined by U+200D
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    "text",
    [
        "Deux chiens courent.", "كلب يجري على الشاطئ", "סוסים רצים", "می‌خواهم", "犬が走る。", "कुत्ता दौड़ता है",
        FAMILY, ENGLAND, "a < b & \"c\"",
    ],
    ids=["French", "Arabic", "Hebrew", "Persian", "Japanese", "Hindi", "family", "flag", "markup"],
)  # fmt: skip
def test_typed_text_keeps_any_script(text: str) -> None:
    assert typed_text(text) == text


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("  Two\n dogs\x00\trun.\u200b ", "Two dogs run."),
        ("Two\u2028dogs\u2029run\x85now", "Two dogs run now"),
        ("a \u202egod", "a god"),
        ("half \ud83d", "half"),
    ],
    ids=["lines", "line separators", "turned around", "half a character"],
)
def test_typed_text_is_one_line_that_shows_what_it_holds(typed: str, text: str) -> None:
    assert typed_text(typed) == text


@pytest.mark.parametrize("typed", ["", " \n\t ", "\u200b\u200d\u200e"], ids=["empty", "blank", "unseen"])
def test_typed_text_without_anything_to_see_is_empty(typed: str) -> None:
    assert typed_text(typed) == ""
