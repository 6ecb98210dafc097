"""What a search finds. test_search_postgresql runs this file too: both databases answer as plain Python does."""

import random
from collections.abc import Iterator

import pytest
from django.db.models import Q
from pytest_django import DjangoDbBlocker

from tests.webapp.photos.search_rows import (
    ScratchPhoto,
    query_finds,
    query_in,
    row_make,
    search_table,
    texts_found,
    words_of,
)
from webapp.photos.search_filter import search_filter
from webapp.photos.search_query import search_query
from webapp.photos.search_words import REPEATS_KEPT, search_words

pytestmark = pytest.mark.django_db

# fmt: off
TEXTS = [
    "a dog runs on grass", "two dogs run", "A cat, a doghouse!", "the dog and the cat", "Crème brûlée in a café",
    "STRASSE 12", "İstanbul ılık", "新宿の東京タワー", "東京の新宿", "ガス", "แมวดำ วิ่ง", "한국 서울", "or and not near",
    "near or (and) not", "a a a b a a", "e1 1e5 1e 0x1f 1.5 -3", "http://example.com/a?b=c", "x" * 300, "", "🐶",
    "it's \"quoted\" \\ back", "ﬁne m²", "कुत्ता दौड़ता है", "ab abc abcd", "abc ab", "a\u0301\u200b\u00adb \ufe0f",
    "\U00020000\U0002a6d6x", "ha " * (REPEATS_KEPT + 3) + "end",
]
NAMES = ["IMG_1234-beach.JPG", "a dog.png", "新宿.jpg", "no-ext", "dog", "", "runs on.webp"]
PIECES = [
    '"', "-", "*", "(", ")", "^", ":", "+", "{", "}", "'", "\\", "|", "&", "!", "<->", "¦", " AND ", " OR ", " NOT ",
    " NEAR(", ",5)", "%s", "%", "\0", "\ud800", "\udfff", "🐶", "\ufe0f", "\u0301", "\u3000", "\u200b", "“", "”", "--",
    '-"', '" *', ":*", "search_words:", "{search_objects} :", ":A", ";", "/*", "\n",
]
OBJECTS = ["dog", "cat", "teddy bear", "café", "台", "grass", "e1", "IMG"]
# fmt: on


@pytest.fixture(scope="module", autouse=True)
def _table(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), search_table():
        yield


def names_found(query: str) -> list[str]:
    return sorted(ScratchPhoto.objects.filter(search_filter(query)).values_list("name", flat=True))


def test_words_stand_in_any_order() -> None:
    row_make("a dog runs on grass")
    row_make("a dog sleeps")
    assert texts_found("grass dog") == ["a dog runs on grass"]


def test_word_finds_words_that_begin_with_it() -> None:
    for text in ("two dogs", "a dog", "a hotdog"):
        row_make(text)
    assert texts_found("dog") == texts_found("do*") == ["a dog", "two dogs"]
    assert texts_found('"dog"') == ["a dog"]


def test_phrase_stands_word_by_word() -> None:
    for text in ("two brown dogs", "dogs two", "two dogs"):
        row_make(text)
    assert texts_found('"two dogs"') == ["two dogs"]


def test_phrase_does_not_cross_from_text_to_name() -> None:
    row_make("a red", name="car.jpg")
    assert texts_found("red car") == ["a red"]
    assert texts_found('"red car"') == []
    assert texts_found('"car jpg"') == ["a red"]


def test_without_leaves_out_what_the_term_finds() -> None:
    for text in ("a dog", "a dog and a cat", "two cats", "a cat nap"):
        row_make(text)
    assert texts_found("dog -cat") == ["a dog"]
    assert texts_found('-dog -"cat nap"') == ["two cats"]


def test_case_and_accents_do_not_count() -> None:
    for text in ("Crème brûlée", "creme BRULEE", "Straße"):
        row_make(text)
    assert texts_found("CRÈME brulee") == ["Crème brûlée", "creme BRULEE"]
    assert texts_found("strasse") == ["Straße"]


def test_text_without_spaces_is_found_by_a_part() -> None:
    for text in ("新宿の東京タワー", "京東"):
        row_make(text)
    assert texts_found("東京") == ["新宿の東京タワー"]


@pytest.mark.parametrize("query", ["img_1234", "beach.jpg", "1234", "IMG_1234-beach.JPG", "beach.j", "bea 12"])
def test_file_name_is_found(query: str) -> None:
    row_make("a dog", name="IMG_1234-beach.JPG")
    row_make("a dog", name="IMG_1235-house.JPG")
    assert names_found(query) == ["IMG_1234-beach.JPG"]


def test_query_without_a_word_finds_all() -> None:
    row_make("a dog")
    assert texts_found("") == texts_found("🐶 -!") == ["a dog"]


def test_object_is_found_as_a_word_is() -> None:
    row_make("a person sits", objects=["espresso", "teddy bear"])
    for query in ("espresso", "ESPRES", '"teddy bear"', "person espresso", '"person" bear', "teddy-bear"):
        assert texts_found(query) == ["a person sits"], query
    assert texts_found("person -espresso") == texts_found("espresso -person") == []


def test_phrase_does_not_cross_to_an_object_or_from_one_to_the_next() -> None:
    row_make("a red", name="fire", objects=["truck", "car", "wheel"])
    assert texts_found("red fire truck car") == ["a red"]
    assert [texts_found(query) for query in ('"fire truck"', '"truck car"', '"red truck"')] == [[], [], []]


def test_matches_by_text_or_name_are_told_from_those_that_need_an_object() -> None:
    row_make("a dog", objects=["dog"])
    row_make("a horse", objects=["dog"])
    row_make("", name="dog.jpg")
    row_make("a pony", objects=["hot dog"])
    row_make("two dogs")
    in_text = search_filter("dog", in_text=True)
    assert sorted(ScratchPhoto.objects.filter(in_text).values_list("text", flat=True)) == ["", "a dog", "two dogs"]
    seen = ScratchPhoto.objects.filter(search_filter("dog")).exclude(in_text)
    assert sorted(seen.values_list("text", flat=True)) == ["a horse", "a pony"]


def test_search_goes_with_filters_orders_and_pages() -> None:
    for number in range(6):
        row_make(f"dog {number}", owner=number % 2)
    found = ScratchPhoto.objects.filter(search_filter("dog"), owner=1).order_by("-id")
    assert list(found[1:3].values_list("text", flat=True)) == ["dog 3", "dog 1"]
    assert found.count() == 3
    either = ScratchPhoto.objects.filter(search_filter("0") | Q(text="dog 5"))
    assert sorted(either.values_list("text", flat=True)) == ["dog 0", "dog 5"]
    assert ScratchPhoto.objects.exclude(search_filter("dog -5")).get().text == "dog 5"
    assert ScratchPhoto.objects.filter(pk__in=found, text="dog 1").update(text="x") == 1


@pytest.mark.parametrize("queries", [500, pytest.param(2500, marks=pytest.mark.slow)])
def test_any_query_finds_what_plain_python_finds(queries: int) -> None:
    """Nasty texts and queries: no error, and the same rows."""
    chance = random.Random(queries)
    rows = []
    for number, text in enumerate(TEXTS + [_nasty(chance) for _ in range(20)]):
        clean = text.replace("\0", "").encode(errors="ignore").decode()
        objects = chance.sample(OBJECTS, number % 4)
        rows.append(row_make(clean, name=NAMES[number % len(NAMES)], objects=objects))
    some = later = 0
    for _ in range(queries):
        typed = _nasty(chance)
        query = search_query(typed)
        found = ScratchPhoto.objects.filter(search_filter(typed)).order_by("-pk").values_list("pk", flat=True)
        expected = [row for row in reversed(rows) if query_finds(query, words_of(row))]
        by_text = [row.pk for row in expected if query_in(query, row.search_words.split())]
        by_objects = [row.pk for row in expected if row.pk not in by_text]
        assert list(found) == [row.pk for row in expected], repr(typed)
        assert list(found.filter(search_filter(typed, in_text=True))) == by_text, repr(typed)
        some += 0 < len(expected) < len(rows)
        later += bool(by_text and by_objects)
    assert some > queries / 3  # the queries are nasty, not senseless
    assert later > queries / 50


LONG = [
    "dog " * 10_000,
    "x" * 100_000,
    '"' + "a " * 10_000,
    "-" * 100_000,
    "新" * 10_000,
    " ".join(map(str, range(9999))),
]


@pytest.mark.parametrize("query", LONG)
def test_long_query_is_no_error(query: str) -> None:
    row_make("a dog")
    assert texts_found(query) in ([], ["a dog"])


def _nasty(chance: random.Random) -> str:
    """Words, parts of words, operators of both databases, and characters that are none."""
    parts = []
    for _ in range(chance.choice([1, 1, 2, 2, 3, 4, 8])):
        kind = chance.random()
        known = search_words(chance.choice(TEXTS[:-1]), chance.choice(NAMES)).replace("¦", "").split() or ["dog"]
        start = chance.randrange(len(known))
        if kind < 0.3:
            parts.append(chance.choice(known))
        elif kind < 0.45:
            parts.append(chance.choice(known)[: chance.randint(1, 3)])
        elif kind < 0.6:
            parts.append(f'"{" ".join(known[start : start + chance.randint(1, 3)])}"')
        elif kind < 0.7:
            parts.append("-" + chance.choice(known)[: chance.randint(1, 9)])
        elif kind < 0.95:
            parts.append(chance.choice(PIECES))
        else:
            parts.append(chr(chance.randrange(0x110000)))
        parts.append(chance.choice([" ", " ", " ", "", "."]))
    return "".join(parts)
