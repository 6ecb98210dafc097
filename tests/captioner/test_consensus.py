"""The vote among the captions of a beam."""

import pytest

from captioner.consensus import consensus_order
from tests.captioner.test_search import decoder, photos, search


def test_consensus_prefers_what_others_agree_with_to_the_likeliest():
    captions = [[9, 8, 7], [1, 2, 3], [1, 2, 4]]

    assert consensus_order(captions, [-1.0, -1.1, -1.2], votes=1.0) == [1, 2, 0]


def test_consensus_weighs_votes_by_probability():
    captions = [[9, 8, 7], [1, 2, 3], [1, 2, 4]]

    assert consensus_order(captions, [-1.0, -5.0, -5.1], votes=1.0)[0] == 0
    assert consensus_order(captions, [-1.0, -5.0, -5.1], votes=0.01)[0] == 1


def test_consensus_counts_the_ngrams_of_one_to_four_words():
    # Likeness to the long one, F1 of n-grams: [1, 2, 9] shares 1, 2 and "1 2" (3 of 6 and 10), [1, 9, 2] only 1 and 2.
    captions = [[1, 9, 2], [1, 2, 9], [1, 2, 3, 4]]

    assert consensus_order(captions, [0.0, 0.0, 0.0], votes=1.0)[0] == 1


def test_consensus_of_equals_leaves_them_as_they_came():
    assert consensus_order([[1], [2], [3]], [-1.0, -1.0, -1.0], votes=0.5) == [0, 1, 2]


@pytest.mark.parametrize("captions", [[], [[1, 2]], [[], []]])
def test_consensus_takes_few_captions_and_empty_ones(captions):
    assert consensus_order(captions, [-1.0] * len(captions), votes=0.5) == list(range(len(captions)))


def test_search_by_consensus_gives_the_same_captions_in_the_order_of_the_vote():
    made, features = decoder(3), photos(3, 4)

    plain, voted = search(made, features, beam=4), search(made, features, beam=4, consensus=0.1)

    for before, after in zip(plain, voted, strict=True):
        logs = [sum(caption.log_probabilities) for caption in before]
        order = consensus_order([caption.tokens for caption in before], logs, votes=0.1)
        assert [caption.tokens for caption in after] == [before[index].tokens for index in order]
        assert order != sorted(order) or len(order) < 3
