"""Vocabularies from captions."""

import pytest

from captioner.errors import VocabularyError
from captioner.vocabulary import SPECIALS
from training.data.vocabulary_builder import vocabulary_build

CAPTIONS = ["A dog runs.", "a cat sleeps", "The dog sleeps!"]


def test_vocabulary_holds_words_commonest_first_and_ties_by_alphabet():
    vocabulary = vocabulary_build(CAPTIONS, threshold=1)

    assert vocabulary.words == (*SPECIALS, "a", "dog", "sleeps", "cat", "runs", "the")
    assert vocabulary.counts[4:] == (2, 2, 2, 1, 1, 1)


def test_vocabulary_leaves_out_words_under_the_threshold_and_counts_them_as_unknown():
    vocabulary = vocabulary_build(CAPTIONS, threshold=2)

    assert vocabulary.words == (*SPECIALS, "a", "dog", "sleeps")
    assert vocabulary.counts[3] == 3


def test_vocabulary_without_a_word_is_refused():
    with pytest.raises(VocabularyError, match="no word reached the threshold"):
        vocabulary_build(CAPTIONS, threshold=3)
