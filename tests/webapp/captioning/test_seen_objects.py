from typing import Any

import pytest

from webapp.captioning.seen_objects import CERTAIN, objects_certain, objects_unsaid


def test_certain_objects_are_those_of_the_bound_or_more() -> None:
    probabilities = {"cat": CERTAIN + 0.3, "cup": CERTAIN, "egg": CERTAIN - 0.01}
    objects = [{"word": word, "probability": probability} for word, probability in probabilities.items()]
    assert objects_certain(objects) == ["cat", "cup"]
    assert objects_certain([]) == []


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("cat", "A cat sits."),
        ("cat", "CATS!"),
        ("bus", "Two buses stop."),
        ("puppy", "Many puppies."),
        ("wolf", "The wolves howl."),
        ("knife", "Knives lie on a table."),
        ("mouse", "Three mice."),
        ("teddy bear", "Two teddy bears sit on a bed."),
        ("Café", "In a cafe."),
    ],
)
def test_object_is_said_by_its_word_or_its_plural(word: str, text: str) -> None:
    assert objects_unsaid([word], texts=[text]) == []


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("cat", "A dog sits."),
        ("cat", "A catalogue."),
        ("cat", ""),
        ("bear", "It can bea r."),
        ("teddy bear", "A teddy and a bear."),
        ("teddy bear", "A man named teddy"),
        ("bus", "A bu stop."),
    ],
)
def test_object_is_not_said_by_other_words(word: str, text: str) -> None:
    assert objects_unsaid([word], texts=[text]) == [word]


def test_objects_that_are_not_said_keep_their_order() -> None:
    assert objects_unsaid(["table", "cat", "cup"], texts=["A cat sits."]) == ["table", "cup"]


def test_object_is_said_by_one_text_and_not_by_two_together() -> None:
    assert objects_unsaid(["dog", "teddy bear"], texts=["A dog and a teddy", "bear"]) == ["teddy bear"]


@pytest.mark.parametrize("word", ["", "🐱", "-"])
def test_object_without_a_letter_is_no_error(word: str) -> None:
    unsaid: Any = objects_unsaid([word], texts=["A cat sits."])
    assert unsaid == [word]
