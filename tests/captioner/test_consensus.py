"""The vote among the captions of a beam."""

import math

import pytest

from captioner.config import DecodingDefaults
from captioner.consensus import Consensus, consensus_create
from captioner.vocabulary import SPECIALS, Vocabulary
from tests.captioner.test_beam_search import VOCABULARY, decoder, photos, search
from training.scoring.cider import CiderD

EVEN = (1.0,) * 10  # every word tells as much


def order(captions, totals, *, information=EVEN, votes=1.0, certainty=0.0):
    """By the log-probability of each caption as a whole, which its words share evenly with its end."""
    logs = [[total / (len(words) + 1)] * (len(words) + 1) for words, total in zip(captions, totals, strict=True)]
    return Consensus(information, votes=votes, certainty=certainty).order(captions, logs)


def test_consensus_prefers_what_others_agree_with_to_the_likeliest():
    captions = [[9, 8, 7], [1, 2, 3], [1, 2, 4]]

    assert order(captions, [-1.0, -1.1, -1.2]) == [1, 2, 0]


def test_consensus_weighs_votes_by_probability():
    captions = [[9, 8, 7], [1, 2, 3], [1, 2, 4]]

    assert order(captions, [-1.0, -5.0, -5.1])[0] == 0
    assert order(captions, [-1.0, -5.0, -5.1], votes=0.01)[0] == 1


def test_consensus_counts_the_ngrams_of_one_to_four_words():
    # Of the long one's n-grams [1, 2, 9] has 1, 2 and "1 2", [1, 9, 2] only 1 and 2.
    captions = [[1, 9, 2], [1, 2, 9], [1, 2, 3, 4]]

    assert order(captions, [0.0, 0.0, 0.0])[0] == 1


def test_consensus_counts_agreement_on_a_word_that_tells_much_for_more():
    captions = [[1, 2], [1, 3], [4, 3]]

    assert order(captions, [0.0, 0.0, 0.0], information=(0, 9, 1, 1, 1)) == [1, 0, 2]
    assert order(captions, [0.0, 0.0, 0.0], information=(0, 1, 1, 9, 1)) == [1, 2, 0]


def worth(captions, *, information=EVEN, votes=0.0, totals=None):
    """Each caption's share of the votes: how much certainty another needs to come before it tells."""
    consensus = Consensus(information, votes=votes, certainty=0.0)
    return consensus.shares(captions, totals or [0.0] * len(captions))


def test_consensus_likeness_is_cider_d():
    captions = [[1, 2, 3, 2, 1], [1, 2, 3, 4], [2, 1, 2, 3, 3, 2], [4], [1, 2, 3, 4, 5, 6, 7, 8]]
    # With a second photo of which no word is the first one's, all n-grams weigh the same.
    alike = [
        [1.0 if other is one else CiderD({0: [other], 1: [[9]]}).score(0, one) / 10 for other in captions]
        for one in captions
    ]

    assert worth(captions) == pytest.approx([sum(row) / 5 for row in alike])
    assert len({round(sum(row), 6) for row in alike}) == 5


def test_consensus_likeness_weighs_an_ngram_by_what_all_its_words_tell():
    # One word is the same, of 1 nat of 2; no pair is, so of the four orders one agrees: 1 / (2 * 2) of it.
    captions = [[1, 2], [1, 3]]
    alike = 0.25 * 1 / (1 + 3**2)
    assert worth(captions, information=(0, 1, 3, 3)) == pytest.approx([(1 + alike) / 2] * 2)

    # "1 2" weighs 1 + 3, "2 3" 3 + 2; the words weigh 1, 3, 2 and 3, 2.
    captions = [[1, 2, 3], [2, 3]]
    singles = (9 + 4) / (math.sqrt(1 + 9 + 4) * math.sqrt(9 + 4))
    pairs = 25 / (math.sqrt(16 + 25) * 5)
    alike = (singles + pairs) / 4 * math.exp(-1 / 72)
    assert worth(captions, information=(0, 1, 3, 2)) == pytest.approx([(1 + alike) / 2] * 2)


def test_consensus_shares_do_not_depend_on_how_unlikely_all_captions_are():
    captions = [[1, 2], [1, 3], [4]]
    likely = worth(captions, votes=1.0, totals=[-1.0, -2.0, -1.5])

    assert worth(captions, votes=1.0, totals=[-5001.0, -5002.0, -5001.5]) == pytest.approx(likely)


def test_consensus_takes_words_that_tell_nothing():
    assert worth([[1, 2], [1, 3]], information=(0, 0, 0, 0)) == pytest.approx([0.5, 0.5])


def test_consensus_with_certainty_prefers_the_caption_whose_words_are_likelier():
    captions = [[1, 2, 3], [4, 5, 6], [1, 2, 7]]  # nobody agrees with the second

    assert order(captions, [-8.0, -2.0, -9.0], votes=0.0)[0] != 1
    assert order(captions, [-8.0, -2.0, -9.0], votes=0.0, certainty=1.0)[0] == 1


def test_consensus_is_certain_by_the_mean_of_the_words_and_the_end():
    captions = [[1], [2, 3, 4, 5, 6]]  # nothing in common: one vote each

    assert order(captions, [-2.0, -5.0], votes=0.0, certainty=1.0) == [1, 0]  # -1 and -0.83 a word
    assert order(captions, [-2.0, -7.0], votes=0.0, certainty=1.0) == [0, 1]


def test_consensus_of_equals_leaves_them_as_they_came():
    assert order([[1], [2], [3]], [-1.0, -1.0, -1.0], votes=0.5) == [0, 1, 2]


@pytest.mark.parametrize("captions", [[], [[1, 2]], [[], []]])
def test_consensus_takes_few_captions_and_empty_ones(captions):
    assert order(captions, [-1.0] * len(captions)) == list(range(len(captions)))


def test_consensus_is_made_of_a_bundles_decoding_and_vocabulary():
    vocabulary = Vocabulary((*SPECIALS, "a", "dog", "kazoo"), (0, 0, 0, 0, 6, 3, 0))

    consensus = consensus_create(DecodingDefaults(consensus=0.2, certainty=0.5), vocabulary.information)

    assert consensus == Consensus(vocabulary.information, votes=0.2, certainty=0.5)
    assert consensus_create(DecodingDefaults(consensus=0.0, certainty=0.5), vocabulary.information) is None


def test_search_by_consensus_gives_the_same_captions_in_the_order_of_the_vote():
    made, features = decoder(3), photos(3, 4)
    consensus = Consensus(EVEN[:VOCABULARY], votes=0.1, certainty=0.2)

    plain, voted = search(made, features, beam=4), search(made, features, beam=4, consensus=consensus)

    changed = 0
    for before, after in zip(plain, voted, strict=True):
        order = consensus.order([caption.tokens for caption in before], [h.log_probabilities for h in before])
        assert [caption.tokens for caption in after] == [before[index].tokens for index in order]
        changed += order != sorted(order)
    assert changed
