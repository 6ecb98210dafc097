"""What a person types, as terms."""

import pytest

from webapp.photos.search_query import PHRASE_WORDS_KEPT, TERMS_KEPT, SearchQuery, Term, search_query


def plain(*words: str) -> Term:
    return Term(words, prefix=True)


def quoted(*words: str) -> Term:
    return Term(words, prefix=False)


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("dog", [plain("dog")], []),
        ("dog*", [plain("dog")], []),
        ("Two DOGS", [plain("two"), plain("dogs")], []),
        ('"dog"', [quoted("dog")], []),
        ('"two  dogs" run', [quoted("two", "dogs"), plain("run")], []),
        ("“two dogs”", [quoted("two", "dogs")], []),
        ("IMG_12-a.JPG", [plain("img", "12", "a", "jpg")], []),
        ("新宿", [plain("新", "宿")], []),
        ("dog -cat", [plain("dog")], [plain("cat")]),
        ('-"a cat"', [], [quoted("a", "cat")]),
        ("–cat −cat －cat --cat", [], [plain("cat")]),
        ("- cat", [plain("cat")], []),
        ("well-known", [plain("well", "known")], []),
        ('"two dogs', [quoted("two", "dogs")], []),
        ('a"b c"d', [plain("a"), quoted("b", "c"), plain("d")], []),
        ("dog dog Dog", [plain("dog")], []),
        ("cats OR (dogs)", [plain("cats"), plain("or"), plain("dogs")], []),
        ("NOT NEAR(^a:b)", [plain("not"), plain("near", "a", "b")], []),
    ],
)  # fmt: skip
def test_query_has_terms(text: str, wanted: list[Term], unwanted: list[Term]) -> None:
    assert search_query(text) == SearchQuery(tuple(wanted), tuple(unwanted))


@pytest.mark.parametrize("text", ["", "  ", '"', '""', "-", '-"', "*", "🐶 -🐱", "\0", "\ud800", "()^:{}\\'"])
def test_query_without_a_word_filters_nothing(text: str) -> None:
    assert not search_query(text)


def test_number_of_terms_is_bounded() -> None:
    query = search_query(" ".join(f"-word{number} word{number}" for number in range(10_000)))
    assert len(query.wanted) + len(query.unwanted) == TERMS_KEPT
    assert query.wanted[0] == plain("word0")


def test_long_phrase_is_cut_to_whole_words() -> None:
    (term,) = search_query("x." * 1000).wanted
    assert term == quoted(*["x"] * PHRASE_WORDS_KEPT)
