"""What the classifier sees changes the next word. The expected numbers are worked out by hand."""

from dataclasses import replace

import pytest
import torch

from captioner.objects.object_decoding import MOST, OWN, PERSON_GIVES, PERSON_SHARE, SURE, WEIGHT, ObjectStepper
from captioner.objects.object_vocabulary import OPEN_SHARE, TAUGHT, ObjectVocabulary
from captioner.vocabulary import START
from tests.captioner.objects.tables import DOG, TABLE, VELVET, VOCABULARY, Speaker

WORDS = ObjectVocabulary(VOCABULARY, TABLE)


def step(
    speaker: Speaker, *, said: list[str] | None = None, must: str | None = None, **seen: float
) -> tuple[dict[str, float], str]:
    """The probabilities of the next word after `said`, with these probabilities of objects; what was fed last."""
    names = [word.word for word in TABLE.words]
    probabilities = torch.tensor([[seen.get(name.replace(" ", "_"), 0.0) for name in names]])
    forced = None if must is None else torch.tensor([names.index(must)])
    stepper = ObjectStepper(speaker, WORDS, probabilities, must=forced)
    words = [WORDS.words[word] for word in stepper.words]
    state = stepper.start(torch.zeros(1, 1))
    for word in ["<start>", *(said or [])]:
        logs, _, state = stepper.step(state, torch.tensor([[words.index(word)]]))
    found = dict.fromkeys(WORDS.words, 0.0) | dict(zip(words, logs[0, 0].exp().tolist(), strict=True))
    return found, words[int(state.inner.tokens)]


def test_dog_hands_its_probability_to_the_cat_that_is_seen() -> None:
    found, _ = step(Speaker(dog=0.8), cat=0.4)
    share = 0.4 * WEIGHT
    assert found["cat"] == pytest.approx(0.8 * share)
    assert found["dog"] == pytest.approx(0.8 * (1 - share))


def test_plural_goes_to_the_plural() -> None:
    found, _ = step(Speaker(dogs=0.8), cat=0.4)
    assert found["cats"] == pytest.approx(0.8 * 0.4 * WEIGHT)
    assert found["cat"] == pytest.approx(0, abs=1e-6)


def test_noun_keeps_a_little_whatever_is_seen() -> None:
    found, _ = step(Speaker(dog=0.8), cat=1.0)
    assert found["dog"] == pytest.approx(0.8 * (1 - MOST), rel=1e-3)


def test_probabilities_still_sum_to_one() -> None:
    found, _ = step(Speaker(dog=0.3, man=0.3, table=0.2, dogs=0.1), cat=0.6, tennis_racket=0.5)
    assert sum(found.values()) == pytest.approx(1, abs=1e-5)


def test_word_that_was_taught_well_needs_more_than_the_classifier() -> None:
    found, _ = step(Speaker(table=0.5), dog=0.6)
    known = TAUGHT / (TAUGHT + 350)  # 300 captions with "dog", 50 with "dogs"
    assert found["dog"] == pytest.approx(0.5 * 0.6 * WEIGHT * known * OPEN_SHARE)


def test_person_gives_less_the_surer_the_caption_model_is() -> None:
    for sure in (0.2, 0.9):
        found, _ = step(Speaker(man=sure), cat=0.4)
        assert found["cat"] == pytest.approx(sure * 0.4 * WEIGHT * PERSON_SHARE * (1 - sure))


def test_nothing_seen_changes_nothing() -> None:
    found, _ = step(Speaker(dog=0.8), cat=0.0)
    assert found["dog"] == pytest.approx(0.8)
    assert found["cat"] == pytest.approx(0, abs=1e-6)


def test_verbs_and_articles_keep_their_probability() -> None:
    found, _ = step(Speaker(a=0.4, runs=0.3, dog=0.2), cat=0.9)
    assert found["a"] == pytest.approx(0.4)
    assert found["runs"] == pytest.approx(0.3)


def test_no_noun_follows_an_object() -> None:
    found, _ = step(Speaker(dog=0.4, runs=0.4), said=["cat"], cat=0.4)
    assert found["dog"] == pytest.approx(0, abs=1e-6)
    assert found["runs"] == pytest.approx(0.4)


def test_object_is_said_once() -> None:
    found, _ = step(Speaker(dog=0.8), said=["cat", "runs"], cat=0.4)
    assert found["dog"] == pytest.approx(0.8)


def test_decoder_is_fed_the_taught_neighbour() -> None:
    _, fed = step(Speaker(dog=0.8), said=["cat"], cat=0.4)
    assert fed == "dog"
    _, fed = step(Speaker(dog=0.8), said=["cats"], cat=0.4)
    assert fed == "dogs"


def test_first_word_of_a_compound_is_not_said_twice() -> None:
    found, _ = step(Speaker(table=0.5), said=["tennis"], tennis_racket=0.5)
    assert found["tennis racket"] == pytest.approx(0, abs=1e-6)
    found, _ = step(Speaker(table=0.5), said=["a"], tennis_racket=0.5)
    assert found["tennis racket"] == pytest.approx(0.5 * 0.5 * WEIGHT * OPEN_SHARE)


def test_word_without_a_kind_is_said_only_where_it_must_be() -> None:
    found, _ = step(Speaker(dog=0.8), velvet=0.9)
    assert found["velvet"] == pytest.approx(0, abs=1e-6)
    assert found["dog"] == pytest.approx(0.8)
    found, _ = step(Speaker(dog=0.8), said=["a"], must="velvet", velvet=0.9)
    assert found["velvet"] == pytest.approx(0.8)


def test_word_without_a_kind_is_fed_as_a_thing() -> None:
    _, fed = step(Speaker(dog=0.8), said=["velvet"], must="velvet", velvet=0.9)
    assert fed == "table"


def test_object_that_must_be_said_may_stand_for_any_noun() -> None:
    found, _ = step(Speaker(table=0.3, dog=0.4), must="cat", cat=0.8)
    assert found["cat"] == pytest.approx(0.7)
    found, _ = step(Speaker(dog=0.4, runs=0.5), must="tennis racket", tennis_racket=0.8)
    assert found["tennis racket"] == pytest.approx(0.4)
    assert found["runs"] == pytest.approx(0.5)


def test_person_makes_less_room_for_what_must_be_said_the_surer_the_caption_model_is() -> None:
    for sure in (0.2, 0.9):
        found, _ = step(Speaker(man=sure), must="velvet", velvet=0.6)
        assert found["velvet"] == pytest.approx(sure * PERSON_SHARE * (1 - sure))


def test_person_gives_more_in_a_photo_of_a_sure_object() -> None:
    for people, given in ((0.9, 0.9 * PERSON_GIVES * (1 - 0.9)), (0.5, 0.5 * MOST)):
        found, _ = step(Speaker(man=people), cat=SURE)
        assert found["cat"] == pytest.approx(given)


def test_noun_that_the_classifier_sees_too_keeps_its_place() -> None:
    found, _ = step(Speaker(dog=0.8), cat=0.4, dog=0.2)
    taught = 1 - TAUGHT / (TAUGHT + 350)
    assert found["cat"] == pytest.approx(0.8 * (0.4 * WEIGHT - OWN * 0.2 * taught))


def test_borrowed_word_is_not_said_again_by_the_model_itself() -> None:
    found, _ = step(Speaker(tennis=0.1, dog=0.5), said=["cat", "runs"], cat=0.4)
    assert found["cat"] == pytest.approx(0, abs=1e-6)
    words = replace(TABLE, words=(replace(DOG, word="table", kind="sport"), *TABLE.words[1:]))
    stepper = ObjectStepper(Speaker(table=0.5), ObjectVocabulary(VOCABULARY, words), torch.tensor([[0.4, 0, 0, 0]]))
    state = stepper.start(torch.zeros(1, 1))
    for word in (START, VOCABULARY.index["table"], VOCABULARY.index["runs"]):
        logs, _, state = stepper.step(state, torch.tensor([[word]]))
    assert float(logs[0, 0, VOCABULARY.index["table"]].exp()) == pytest.approx(0, abs=1e-6)


def test_caption_does_not_end_before_it_says_what_it_must() -> None:
    found, _ = step(Speaker(dog=0.4), said=["dog"], must="cat", cat=0.8)
    assert found["<end>"] == 0
    found, _ = step(Speaker(dog=0.4), said=["cat"], must="cat", cat=0.8)
    assert found["<end>"] == pytest.approx(0.6)


def test_photos_do_not_depend_on_those_beside_them() -> None:
    alone, _ = step(Speaker(dog=0.8), cat=0.4)
    seen = torch.tensor([[0.4, 0.0, 0.0, 0.0], [0.0, 0.0, 0.6, 0.0]])
    stepper = ObjectStepper(Speaker(dog=0.8), WORDS, seen)
    logs, _, _ = stepper.step(stepper.start(torch.zeros(2, 1)), torch.full((2, 1), START))
    words = [WORDS.words[word] for word in stepper.words]
    assert dict(zip(words, logs[0, 0].exp().tolist(), strict=True)) == pytest.approx(
        {word: alone[word] for word in words}, abs=1e-5
    )


def test_words_after_an_object_do_not_depend_on_the_photos_beside_it() -> None:
    alone, _ = step(Speaker(man=0.3, dog=0.3, runs=0.2), said=["dog"], cat=0.4)
    stepper = ObjectStepper(
        Speaker(man=0.3, dog=0.3, runs=0.2), WORDS, torch.tensor([[0.4, 0, 0, 0], [0, 0.9, 0.9, 0.9]])
    )
    state = stepper.start(torch.zeros(2, 1))
    for word in (START, VOCABULARY.index["dog"]):
        logs, _, state = stepper.step(state, torch.full((2, 1), word))
    words = [WORDS.words[word] for word in stepper.words]
    assert dict(zip(words, logs[0, 0].exp().tolist(), strict=True)) == pytest.approx(
        {word: alone[word] for word in words}, abs=1e-5
    )


def test_borrowed_words_are_those_hardly_taught() -> None:
    assert WORDS.borrowed[0]  # cat
    assert not WORDS.borrowed[1]  # dog
    assert not WORDS.borrowed[len(TABLE.words)]


def test_word_that_the_model_was_taught_stays_its_own() -> None:
    words = ObjectVocabulary(VOCABULARY, replace(TABLE, words=(*TABLE.words, replace(VELVET, word="a"))))
    assert not words.borrowed[words.objects[words.words.index("a")]]
