"""Articles before words that the caption model did not choose."""

import pytest

from captioner.objects.object_grammar import articles_mend

NOUNS = {"elephant": "an", "cat": "a", "unicycle": "a", "umbrella": "an", "broccoli": ""}


@pytest.mark.parametrize(
    ("said", "mended"),
    [
        ("a elephant in a field", "an elephant in a field"),
        ("an cat on an umbrella", "a cat on an umbrella"),
        ("a unicycle", "a unicycle"),
        ("a broccoli on a plate", "broccoli on a plate"),
        ("an old man", "an old man"),
        ("a", "a"),
        ("", ""),
    ],
)
def test_article_fits_the_noun(said: str, mended: str) -> None:
    assert [word for _, word in articles_mend(said.split(), articles=NOUNS)] == mended.split()


def test_places_tell_which_words_stay() -> None:
    found = articles_mend(["eating", "a", "broccoli"], articles=NOUNS)
    assert found == [(0, "eating"), (2, "broccoli")]
