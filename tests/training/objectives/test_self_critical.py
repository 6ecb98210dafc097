"""Captions drawn from a model that is a table of probabilities, their rewards, and the loss worked out by hand."""

import itertools
import math

import pytest
import torch

from captioner.vocabulary import END, PAD, START, UNKNOWN
from tests.training.tiny_models import Table, decoder_tiny
from training.errors import ScorerError
from training.objectives.self_critical import SelfCritic, caption_words, captions_sample, self_critical_loss
from training.scoring.cider import CiderD

pytestmark = pytest.mark.usefixtures("seeded")

DOG, RUNS, BOAT, SAILS = range(4, 8)
# What may not be drawn is likely; among the rest DOG has 0.6, RUNS and <end> 0.2 each.
SHARES = torch.tensor([0.2, 0.2, 0.1, 0.1, 0.3, 0.1])
FEATURES = torch.zeros(1, 4, 3)
REFERENCES = {1: [[DOG, RUNS], [DOG, RUNS, RUNS]], 2: [[BOAT, SAILS]], 3: [[BOAT]]}
# Three captions of one photo: DOG <end>; RUNS RUNS <end>; <end>.
CAPTIONS = torch.tensor([[[START, DOG, END, PAD], [START, RUNS, RUNS, END], [START, END, PAD, PAD]]])


def certain(*words: int) -> torch.Tensor:
    """Shares of a table that says these words one after the other; every word once at most."""
    shares = torch.zeros(8, 8)
    for before, after in itertools.pairwise(words):
        shares[before, after] = 1
    return shares


def test_sample_says_a_caption_word_by_word_after_start():
    decoder = Table(certain(START, DOG, RUNS, END, PAD))

    drawn = captions_sample(decoder, torch.zeros(2, 4, 3), samples=3, max_words=9)

    assert drawn.dtype == torch.int64
    assert drawn.tolist() == [[[START, DOG, RUNS, END]] * 3] * 2


def test_sample_pads_after_the_end_of_each_caption():
    drawn = captions_sample(Table(SHARES), FEATURES, samples=200, max_words=30)

    assert drawn.shape[:2] == (1, 200)
    lengths = {caption.index(END) for caption in drawn[0].tolist()}
    assert len(lengths) > 3
    for caption in drawn[0].tolist():
        assert caption[0] == START
        end = caption.index(END)
        assert PAD not in caption[:end]
        assert set(caption[end + 1 :]) <= {PAD}


def test_sample_is_no_longer_than_its_longest_caption():
    drawn = captions_sample(Table(SHARES), FEATURES, samples=4, max_words=1000)

    assert max(caption.index(END) for caption in drawn[0].tolist()) == drawn.shape[2] - 1


def test_sample_never_draws_what_is_no_word():
    drawn = captions_sample(Table(SHARES), FEATURES, samples=500, max_words=5)

    words = [word for caption in drawn[0].tolist() for word in caption_words(caption)]
    assert {DOG, RUNS, END} == set(words)


def test_sample_breaks_off_one_past_the_longest_caption():
    endless = SHARES.index_fill(0, torch.tensor([END]), 0.0)

    drawn = captions_sample(Table(endless), FEATURES, samples=2, max_words=3)

    assert drawn.shape == (1, 2, 3 + 2)
    assert END not in drawn
    assert PAD not in drawn


def test_sample_draws_words_in_proportion():
    drawn = captions_sample(Table(SHARES), FEATURES, samples=20_000, max_words=0)

    shares = torch.bincount(drawn[0, :, 1], minlength=6) / 20_000
    # Four standard deviations of a share of 0.6 among 20,000.
    assert shares.tolist() == pytest.approx([0, 0, 0.2, 0, 0.6, 0.2], abs=0.014)


def test_sample_of_a_real_decoder_keeps_no_gradient():
    drawn = captions_sample(decoder_tiny(), torch.rand(2, 4, 6, requires_grad=True), samples=3, max_words=4)

    assert not drawn.requires_grad
    assert drawn.shape[:2] == (2, 3)


def test_loss_takes_the_mean_of_the_others_as_baseline():
    rewards = torch.tensor([[3.0, 1.0, 2.0]])  # less the mean of the others: 1.5, -1.5, 0

    loss = self_critical_loss(Table(SHARES), FEATURES, CAPTIONS, rewards)

    dog, runs, end = math.log(0.6), math.log(0.2), math.log(0.2)
    assert loss.item() == pytest.approx(-(1.5 * (dog + end) - 1.5 * (runs + runs + end) + 0 * end) / 6)


def test_loss_of_a_decoder_that_says_start_is_the_same():
    rewards = torch.tensor([[3.0, 1.0, 2.0]])
    shares = torch.rand(6, 6)  # another row for each word, so that a shift by one is seen

    losses = [
        self_critical_loss(Table(shares, first=first), FEATURES, CAPTIONS, rewards).item() for first in (False, True)
    ]

    assert losses[0] == pytest.approx(losses[1])
    assert losses[0] != 0


def test_loss_is_nothing_where_all_captions_are_as_good():
    decoder = Table(SHARES)

    loss = self_critical_loss(decoder, FEATURES, CAPTIONS, torch.full((1, 3), 7.0))
    loss.backward()

    assert loss.item() == 0
    assert decoder.table.grad is not None
    assert not decoder.table.grad.any()


def test_loss_made_smaller_says_the_rewarded_caption_more_often():
    decoder = Table(SHARES)
    before = decoder.table.detach().log_softmax(-1)[START]

    self_critical_loss(decoder, FEATURES, CAPTIONS, torch.tensor([[10.0, 0.0, 0.0]])).backward()
    with torch.no_grad():
        assert decoder.table.grad is not None
        decoder.table.sub_(0.1 * decoder.table.grad)
    after = decoder.table.detach().log_softmax(-1)[START]

    assert after[DOG] > before[DOG]
    assert after[RUNS] < before[RUNS]


def test_loss_leaves_what_could_not_be_drawn_alone():
    decoder = Table(SHARES)

    self_critical_loss(decoder, FEATURES, CAPTIONS, torch.tensor([[1.0, 0.0, 0.0]])).backward()

    assert decoder.table.grad is not None
    assert decoder.table.grad.isfinite().all()
    assert not decoder.table.grad[:, [PAD, START, UNKNOWN]].any()


def test_rewards_are_cider_d_of_captions_with_their_end():
    captions = torch.tensor([[[START, BOAT, END, PAD], [START, BOAT, SAILS, END]], [[START, DOG, RUNS, END]] * 2])

    rewards = SelfCritic(REFERENCES).rewards([2, 1], captions)

    scorer = CiderD({photo: [[*text, END] for text in texts] for photo, texts in REFERENCES.items()})
    boat, whole = scorer.score(2, [BOAT, END]), scorer.score(2, [BOAT, SAILS, END])
    dog = scorer.score(1, [DOG, RUNS, END])
    assert rewards.dtype == torch.float32
    assert rewards.tolist() == [pytest.approx([boat, whole]), pytest.approx([dog, dog])]
    assert 0 < boat < whole


@pytest.mark.parametrize("cut", [[START, BOAT, SAILS, PAD], [START, BOAT, END, PAD]])
def test_rewards_are_less_for_a_caption_that_was_cut_short(cut):
    captions = torch.tensor([[cut, [START, BOAT, SAILS, END]]])

    short, whole = SelfCritic(REFERENCES).rewards([2], captions)[0].tolist()

    assert 0 < short < whole


def test_rewards_name_a_photo_without_references():
    with pytest.raises(ScorerError, match="photo id 9"):
        SelfCritic(REFERENCES).rewards([9], torch.tensor([[[START, DOG, END]]]))


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ([START, DOG, RUNS, END, PAD], [DOG, RUNS, END]),
        ([START, DOG, RUNS], [DOG, RUNS]),
        ([START, DOG, PAD, PAD], [DOG]),
        ([START, END, PAD], [END]),
    ],
)
def test_caption_words_are_those_after_start_up_to_the_end(tokens, words):
    assert caption_words(tokens) == words
