"""The tutorial's sampler: every step a length in proportion to its frequency, and captions of that length."""

import numpy as np
import pytest

from captioner.vocabulary import END, START
from training.batches.caption_batches import CaptionGroup, same_length_batches


def groups_of(lengths: dict[int, int], *, size: int = 1) -> list[CaptionGroup]:
    """Captions of length -> how many, each of a photo of its own and told apart by its words; `size` to a group."""
    captions = [[START, *[10 + number] * (length - 2), END] for length, n in lengths.items() for number in range(n)]
    return [CaptionGroup(first // size, captions[first : first + size]) for first in range(0, len(captions), size)]


def drawn(groups: list[CaptionGroup], *, size: int, seed: int = 0) -> list[tuple[list[int], list[list[list[int]]]]]:
    batches = same_length_batches(groups, size=size, generator=np.random.default_rng(seed))
    return [(rows, tokens.tolist()) for rows, tokens in batches]


def test_same_length_batches_hold_one_length_each_and_no_padding():
    for rows, tokens in drawn(groups_of({3: 20, 5: 30, 8: 10}), size=6):
        assert len(tokens) == len(rows) == 6
        assert len({len(caption) for (caption,) in tokens}) == 1
        assert all(caption[0] == START and caption[-1] == END for (caption,) in tokens)


def test_same_length_batches_pair_each_caption_with_its_photo():
    groups = groups_of({3: 8, 4: 8}, size=2)
    captions = {(group.row, tuple(caption)) for group in groups for caption in group.captions}

    for rows, tokens in drawn(groups, size=4):
        assert {(row, tuple(caption)) for row, (caption,) in zip(rows, tokens, strict=True)} <= captions


def test_same_length_batches_hold_no_caption_twice():
    for rows, _ in drawn(groups_of({3: 20, 5: 30}), size=15):
        assert len(set(rows)) == len(rows)


def test_same_length_batches_are_as_large_where_fewer_captions_have_the_length():
    batches = drawn(groups_of({3: 14, 5: 50}), size=20) + drawn(groups_of({3: 14, 5: 50}), size=20, seed=1)

    assert {(len(tokens[0][0]), len(rows)) for rows, tokens in batches} == {(3, 20), (5, 20)}


@pytest.mark.parametrize(("captions", "size", "steps"), [(60, 20, 3), (61, 20, 4), (5, 200, 1), (1, 1, 1)])
def test_same_length_batches_are_as_many_as_captions_by_size_rounded_up(captions, size, steps):
    assert len(drawn(groups_of({4: captions}), size=size)) == steps


def test_same_length_batches_are_drawn_in_proportion_to_how_many_captions_have_the_length():
    batches = drawn(groups_of({3: 600, 5: 300, 9: 100}), size=1)

    found = [len(caption) for _, ((caption,),) in batches]
    # Of 1000 draws: three standard deviations of a binomial are at most 47.
    assert {length: found.count(length) for length in (3, 5, 9)} == pytest.approx({3: 600, 5: 300, 9: 100}, abs=47)


def test_same_length_batches_draw_every_caption_of_a_length_alike():
    rows = [row for seed in range(50) for rows, _ in drawn(groups_of({4: 40}), size=10, seed=seed) for row in rows]

    # 50 epochs of 4 steps draw each of 40 captions with a chance of 1/4: 50 times, standard deviation 6.1.
    counts = np.bincount(rows, minlength=40)
    assert counts.sum() == 2000
    assert counts.min() > 50 - 4 * 6.2
    assert counts.max() < 50 + 4 * 6.2


def test_same_length_batches_hang_on_the_generator_alone():
    groups = groups_of({3: 20, 5: 30})

    assert drawn(groups, size=5, seed=1) == drawn(groups, size=5, seed=1)
    assert drawn(groups, size=5, seed=1) != drawn(groups, size=5, seed=2)
