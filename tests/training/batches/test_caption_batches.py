"""Captions as batches of token indices."""

from pathlib import Path

import numpy as np
import pytest

from captioner.vocabulary import END, PAD, START, UNKNOWN, Vocabulary
from training.batches.caption_batches import caption_batches, caption_groups
from training.data.dataset import CaptionedPhoto
from training.data.vocabulary_builder import vocabulary_build


@pytest.fixture
def vocabulary() -> Vocabulary:
    return vocabulary_build(["a dog runs fast"], threshold=1)


def photo(*captions: str) -> CaptionedPhoto:
    return CaptionedPhoto(1, Path("photo.jpg"), captions)


def test_caption_groups_frame_the_words_of_a_caption(vocabulary):
    group = caption_groups([photo("A cat runs.")], vocabulary, size=5, max_words=9)[0]

    words = vocabulary.index
    assert group.captions == [[START, words["a"], UNKNOWN, words["runs"], END]]


def test_caption_groups_hold_no_more_captions_than_asked(vocabulary):
    groups = caption_groups([photo(*["a dog"] * 5), photo("runs")], vocabulary, size=2, max_words=9)

    assert [(group.row, len(group.captions)) for group in groups] == [(0, 2), (0, 2), (0, 1), (1, 1)]


def test_caption_groups_cut_long_captions_without_an_end(vocabulary):
    group = caption_groups([photo("a dog runs fast")], vocabulary, size=1, max_words=3)[0]

    assert len(group.captions[0]) == 1 + 3
    assert END not in group.captions[0]


def test_caption_groups_keep_the_end_of_a_caption_that_just_fits(vocabulary):
    group = caption_groups([photo("a dog runs")], vocabulary, size=1, max_words=4)[0]

    assert group.captions[0][-1] == END


def test_caption_groups_drop_captions_without_words(vocabulary):
    assert caption_groups([photo("...", "")], vocabulary, size=2, max_words=9) == []


def test_caption_batches_pad_to_their_own_longest(vocabulary):
    groups = caption_groups([photo("a", "a dog runs"), photo("dog")], vocabulary, size=2, max_words=9)

    rows, tokens = next(caption_batches(groups, size=2))

    assert (rows, tokens.shape) == ([1, 0], (2, 2, 5))
    assert tokens[0, 1].tolist() == [PAD] * 5
    assert tokens[1, 0].tolist() == [START, vocabulary.index["a"], END, PAD, PAD]


@pytest.mark.parametrize("generator", [None, np.random.default_rng(1)])
def test_caption_batches_hold_every_group_once(vocabulary, generator):
    photos = [photo(" ".join(["dog"] * (1 + i % 7))) for i in range(23)]
    groups = caption_groups(photos, vocabulary, size=1, max_words=9)

    batches = list(caption_batches(groups, size=4, generator=generator))

    assert sorted(row for rows, _ in batches for row in rows) == list(range(23))
    assert max(len(rows) for rows, _ in batches) == 4


def test_caption_batches_come_in_another_order_every_epoch(vocabulary):
    photos = [photo(" ".join(["dog"] * (1 + i % 7))) for i in range(23)]
    groups = caption_groups(photos, vocabulary, size=1, max_words=9)

    orders = [
        [rows for rows, _ in caption_batches(groups, size=4, generator=np.random.default_rng(seed))]
        for seed in (1, 1, 2)
    ]

    assert orders[0] == orders[1] != orders[2]
