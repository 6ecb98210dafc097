"""Vocabularies from captions."""

import pytest

from captioner.errors import VocabularyError
from captioner.vocabulary import SPECIALS, UNKNOWN
from training.data.vocabulary_builder import (
    Coverage,
    ThresholdRow,
    vocabulary_build,
    vocabulary_coverage,
    vocabulary_extend,
    vocabulary_thresholds,
)

CAPTIONS = ["A dog runs.", "a cat sleeps", "The dog sleeps!"]  # a 2, dog 2, sleeps 2, cat 1, runs 1, the 1


def test_vocabulary_holds_words_commonest_first_and_ties_by_alphabet():
    vocabulary = vocabulary_build(CAPTIONS, threshold=1)

    assert vocabulary.words == (*SPECIALS, "a", "dog", "sleeps", "cat", "runs", "the")
    assert vocabulary.counts == (0, 0, 0, 0, 2, 2, 2, 1, 1, 1)


def test_vocabulary_leaves_out_words_under_the_threshold_and_counts_them_as_unknown():
    vocabulary = vocabulary_build(CAPTIONS, threshold=2)

    assert vocabulary.words == (*SPECIALS, "a", "dog", "sleeps")
    assert vocabulary.counts == (0, 0, 0, 3, 2, 2, 2)


def test_vocabulary_without_a_word_is_refused():
    with pytest.raises(VocabularyError, match="no word reached the threshold"):
        vocabulary_build(CAPTIONS, threshold=3)


def test_vocabulary_extended_keeps_known_words_in_their_places():
    known = vocabulary_build(CAPTIONS, threshold=2)

    extended = vocabulary_extend(known, ["a zebra eats", "zebra eats grass", "the dog"], threshold=2)

    assert extended.words == (*known.words, "eats", "zebra")


def test_vocabulary_extended_adds_counts_and_those_of_rare_words_to_the_unknown():
    known = vocabulary_build(CAPTIONS, threshold=2)

    extended = vocabulary_extend(known, ["a zebra eats", "zebra eats grass", "the dog"], threshold=2)

    # a 2 + 1, dog 2 + 1, sleeps 2, eats 2, zebra 2; unknown: 3 + grass + the
    assert extended.counts == (0, 0, 0, 3 + 2, 3, 3, 2, 2, 2)


def test_vocabulary_extended_by_captions_without_new_words_has_none():
    known = vocabulary_build(CAPTIONS, threshold=2)

    assert vocabulary_extend(known, ["a dog", "a zebra"], threshold=2).words == known.words


def test_coverage_counts_words_each_time_and_captions_whole():
    vocabulary = vocabulary_build(CAPTIONS, threshold=2)  # a, dog, sleeps

    coverage = vocabulary_coverage(["a dog sleeps", "a cat and a dog", "Dog."], vocabulary)

    assert coverage == Coverage(unknown_rate=2 / 9, captions_whole=2 / 3)


@pytest.mark.parametrize("captions", [[], ["", "..."]])
def test_coverage_of_captions_without_words_is_whole(captions):
    assert vocabulary_coverage(captions, vocabulary_build(CAPTIONS, threshold=1)) == Coverage(0.0, 1.0)


def test_thresholds_tell_words_and_coverage_of_each():
    assert vocabulary_thresholds(CAPTIONS, thresholds=(1, 2, 3)) == [
        ThresholdRow(1, 6, Coverage(0.0, 1.0)),
        ThresholdRow(2, 3, Coverage(unknown_rate=3 / 9, captions_whole=0.0)),
        ThresholdRow(3, 0, Coverage(1.0, 0.0)),
    ]


def test_thresholds_tell_the_same_as_the_vocabulary_that_each_builds():
    captions = [*CAPTIONS, "a dog sleeps", "a dog", "the cat runs", ""]

    for row in vocabulary_thresholds(captions, thresholds=(1, 2, 3, 4)):
        vocabulary = vocabulary_build(captions, threshold=row.threshold)
        assert row.words == len(vocabulary) - len(SPECIALS)
        assert row.coverage == vocabulary_coverage(captions, vocabulary)
        assert row.coverage.unknown_rate == vocabulary.counts[UNKNOWN] / sum(vocabulary.counts)


def test_thresholds_of_no_captions_cover_all():
    assert vocabulary_thresholds([], thresholds=(5,)) == [ThresholdRow(5, 0, Coverage(0.0, 1.0))]
