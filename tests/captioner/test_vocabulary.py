"""Words, indices and sentences."""

import math

import pytest

from captioner.errors import BundleCorrupt, BundleMissing, VocabularyError
from captioner.vocabulary import END, PAD, SPECIALS, START, UNKNOWN, Vocabulary, caption_text, caption_tokens


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary((*SPECIALS, "a", "dog", "café"), (0, 0, 0, 7, 3, 2, 1))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("A dog's ball, on the grass .", ["a", "dog", "'s", "ball", "on", "the", "grass"]),
        ("Two-wheeled bikes don't fall!", ["two-wheeled", "bikes", "do", "n't", "fall"]),
        ("A CAFÉ at 5 o'clock", ["a", "café", "at", "5", "o'clock"]),
        (' "..." ', []),
    ],
)
def test_caption_tokens_are_lower_case_words_without_punctuation(text, tokens):
    assert caption_tokens(text) == tokens


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["a", "dog", "'s", "ball"], "A dog's ball."),
        (["they", "do", "n't", "fall"], "They don't fall."),
        (["'s"], "'s."),
        ([], ""),
    ],
)
def test_caption_text_is_a_sentence(words, text):
    assert caption_text(words) == text


def test_vocabulary_encodes_known_and_unknown_words(vocabulary):
    assert vocabulary.encode(["a", "cat", "dog"]) == [4, UNKNOWN, 5]


def test_vocabulary_decodes_up_to_the_end(vocabulary):
    assert vocabulary.decode([START, 4, UNKNOWN, 5, PAD, END, 4]) == ["a", "dog"]


def test_vocabulary_file_brings_back_the_same(vocabulary, tmp_path):
    vocabulary.save(tmp_path / "vocab.json")

    assert Vocabulary.load(tmp_path / "vocab.json") == vocabulary


def test_vocabulary_file_missing_is_its_own_error(tmp_path):
    with pytest.raises(BundleMissing, match="no vocabulary"):
        Vocabulary.load(tmp_path / "vocab.json")


@pytest.mark.parametrize("text", ["{", "[]", '{"words": 3, "counts": []}', '{"words": [1], "counts": [1]}'])
def test_vocabulary_file_malformed_is_corrupt(text, tmp_path):
    (tmp_path / "vocab.json").write_text(text)

    with pytest.raises(BundleCorrupt, match="malformed"):
        Vocabulary.load(tmp_path / "vocab.json")


def test_vocabulary_file_of_other_bytes_is_corrupt(tmp_path):
    (tmp_path / "vocab.json").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(BundleCorrupt, match="UTF-8"):
        Vocabulary.load(tmp_path / "vocab.json")


@pytest.mark.parametrize(
    ("words", "counts", "message"),
    [
        (("a", "dog"), (1, 1), "must begin with"),
        (SPECIALS, (0, 0, 0, 0), "empty"),
        ((*SPECIALS, "a", "a"), (0,) * 6, "more than once"),
        ((*SPECIALS, "a"), (0, 0), "5 words, but 2 counts"),
    ],
)
def test_vocabulary_that_cannot_be_used_is_refused(words, counts, message):
    with pytest.raises(VocabularyError, match=message):
        Vocabulary(words, counts)


def test_vocabulary_knows_what_each_word_tells():
    vocabulary = Vocabulary((*SPECIALS, "a", "dog", "kazoo"), (0, 0, 0, 0, 8, 3, 0))

    assert vocabulary.information == pytest.approx([math.log(16 / count) for count in (1, 1, 1, 1, 8, 3, 1)])
