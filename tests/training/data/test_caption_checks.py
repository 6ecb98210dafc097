"""What is wrong with captions as a whole, told before anything is learnt of them."""

from pathlib import Path

import pytest

from captioner.vocabulary import SPECIALS
from tests.training.datasets import SAYINGS
from training.data.caption_checks import Concern, captions_concerns, scoring_concerns, scripts_count, training_concerns
from training.data.dataset import CaptionedPhoto
from training.data.vocabulary_builder import vocabulary_build

ENGLISH = [text for texts in SAYINGS.values() for text in texts]
RUSSIAN = ["Собака бежит по зелёной траве.", "Лодка на море", "Белый дом в снегу"]


def photos(texts: list[str]) -> list[CaptionedPhoto]:
    return [CaptionedPhoto(number, Path(f"{number}.png"), (text,)) for number, text in enumerate(texts)]


def concerns(
    train: list[str],
    validation: list[str] = ENGLISH,
    *,
    threshold: int = 1,
    bundles: dict[str, list[str]] | None = None,
) -> list[Concern]:
    return training_concerns(
        photos(train),
        photos(validation),
        vocabulary=vocabulary_build(train, threshold=threshold),
        threshold=threshold,
        bundles=bundles or {},
    )


def test_captions_in_order_are_of_no_concern():
    bundle = [*SPECIALS, *{word for text in ENGLISH for word in text.lower().split()}]

    assert concerns(ENGLISH * 2, bundles={"--start-from b": bundle}) == []


def test_unknown_words_are_warned_of_with_the_commonest_and_a_threshold():
    texts = [f"a dog runs {'twice' if number < 2 else f'once{number}'}" for number in range(8)]

    train, validation = concerns(texts, [*texts, *[f"a dog runs once{number}" for number in range(2, 8)]], threshold=5)

    assert train.message == (
        "25% of the words of the captions to train on are unknown to the model, which cannot say them (commonest: "
        "twice 2, once2 1, once3 1, once4 1, once5 1). "
        "Give more captions, or --threshold 2 instead of 5: 19% would be unknown."
    )
    assert "with 1, 0% would be unknown" in validation.message
    assert not train.refused
    assert not validation.refused


def test_unknown_words_that_are_most_of_all_are_refused():
    texts = [f"a word{number} like no{number} other{number}" for number in range(20)]

    (concern, *_) = concerns(texts, texts, threshold=5)

    assert concern.refused
    assert concern.message.startswith("60% of the words of the captions to train on are unknown to the model, ")
    assert concern.message.endswith("or --threshold 1 instead of 5: 0% would be unknown.")


def test_validation_captions_of_another_language_are_refused():
    (concern,) = concerns(ENGLISH, ["Zwei Hunde laufen", "Drei Boote segeln"])

    assert concern.refused
    assert concern.message.startswith("100% of the words of the captions to validate on are unknown to the model, ")
    assert concern.message.endswith(
        "Give captions of the same language, about the same kind of photos, to train and to validate on."
    )


@pytest.mark.parametrize("flag", ["--start-from", "--teacher"])
def test_captions_of_another_script_than_a_bundle_are_refused(flag):
    (concern,) = concerns(RUSSIAN, RUSSIAN, bundles={f"{flag} models/default": [*SPECIALS, "dog", "house"]})

    assert concern.refused
    assert concern.message == (
        f"100% of the letters of the captions to train on are Cyrillic, and the words of {flag} models/default are "
        "written in Latin: what is learnt of one script does not help with another. "
        f"Leave {flag} out, or give a bundle of that language."
    )


def test_captions_of_other_words_than_a_bundle_are_warned_of():
    (concern,) = concerns(ENGLISH, bundles={"--start-from b": [*SPECIALS, "hund", "haus"]})

    assert not concern.refused
    assert concern.message.startswith("100% of the words of the captions to train on are unknown to --start-from b (")


def test_validation_captions_of_another_script_are_refused_once():
    (concern,) = concerns(ENGLISH, RUSSIAN)

    assert concern.refused
    assert "of the captions to validate on are Cyrillic, and those to train on are written in Latin" in concern.message


def test_captions_with_a_name_in_another_script_are_of_no_concern():
    assert concerns(ENGLISH, [*ENGLISH, "a red дом"]) == []


def test_captions_partly_in_another_script_are_warned_of():
    foreign = [concern for concern in concerns(ENGLISH, ENGLISH + RUSSIAN) if "Cyrillic" in concern.message]

    assert [concern.refused for concern in foreign] == [False]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["A dog."] * 30, "All 30 captions to train on say the same ('a dog'): a model learns to say that"),
        (["A dog.", "a dog", "A  dog!", *ENGLISH[:2]], "3 of the 5 captions to train on say the same ('a dog')"),
    ],
)
def test_captions_that_say_the_same_are_warned_of(texts, said):
    (concern,) = concerns(texts, texts[:1] + texts[3:])[:1]

    assert concern.message.startswith(said)
    assert not concern.refused


def test_validation_captions_that_say_the_same_are_warned_of():
    (concern,) = concerns(ENGLISH, ENGLISH[:1] * 9)

    assert concern.message.startswith("All 9 captions to validate on say the same ('a red dog runs on the grass'): no ")


def test_single_photo_to_validate_on_is_warned_of():
    (concern,) = concerns(ENGLISH, ENGLISH[:1])

    assert concern.message.startswith("There is only one photo to validate on")


def test_captions_without_a_word_left_are_told_as_an_empty_vocabulary():
    (concern,) = captions_concerns(ENGLISH, threshold=100)

    assert concern.refused
    assert concern.message.startswith("The vocabulary is empty: no word reached the threshold.")


def test_captions_to_score_by_are_measured_by_the_words_of_the_bundle():
    known = scoring_concerns(photos(ENGLISH), words=vocabulary_build(ENGLISH, threshold=1).words, bundle=Path("b"))
    (unknown,) = scoring_concerns(photos(ENGLISH), words=[*SPECIALS, "a"], bundle=Path("b"))

    assert known == []
    assert unknown.message.startswith("90% of the words of the captions to score by are unknown to b (commonest: ")


def test_letters_are_counted_by_their_script():
    assert scripts_count(["Ｆｕｌｌ 1!", "дом", "犬とネコ"]) == {"LATIN": 4, "CYRILLIC": 3, "CJK": 4}
