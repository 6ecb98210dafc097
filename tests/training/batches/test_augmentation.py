"""Views of a photo: always the same ones, and what each is."""

import numpy as np
import pytest

from training.batches.augmentation import LIGHT, view_pixels

PIXELS = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def test_view_0_is_the_photo_as_it_is():
    np.testing.assert_array_equal(view_pixels(PIXELS, view=0, key="a"), PIXELS)


def test_view_1_is_mirrored():
    np.testing.assert_array_equal(view_pixels(PIXELS, view=1, key="a"), PIXELS[:, ::-1])


@pytest.mark.parametrize("view", range(6))
def test_view_is_the_same_every_time(view):
    first, second = (view_pixels(PIXELS.copy(), view=view, key="a") for _ in range(2))

    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("view", range(6))
def test_view_keeps_the_shape_and_is_whole_in_memory(view):
    seen = view_pixels(PIXELS, view=view, key="a")

    assert (seen.shape, seen.dtype) == ((32, 32, 3), np.dtype(np.uint8))
    assert seen.flags.c_contiguous


def test_view_leaves_the_photo_alone():
    pixels = PIXELS.copy()

    for view in range(6):
        view_pixels(pixels, view=view, key="a")

    np.testing.assert_array_equal(pixels, PIXELS)


def test_random_views_of_two_photos_differ():
    assert (view_pixels(PIXELS, view=2, key="a") != view_pixels(PIXELS, view=2, key="b")).any()


def test_random_views_of_one_photo_differ():
    seen = {view_pixels(PIXELS, view=view, key="a").tobytes() for view in range(6)}

    assert len(seen) == 6


def test_random_views_are_mirrored_about_half_the_time():
    ramp = np.broadcast_to(np.linspace(0, 255, 32).astype(np.uint8)[None, :, None], (32, 32, 3)).copy()

    seen = [view_pixels(ramp, view=2, key=str(key)).astype(int) for key in range(100)]

    mirrored = sum(pixels[:, 0].mean() > pixels[:, -1].mean() for pixels in seen)
    assert 30 <= mirrored <= 70


def test_random_views_change_the_light_of_a_photo_no_more_than_allowed():
    grey = np.full((32, 32, 3), 100, dtype=np.uint8)  # contrast and saturation do not change it: brightness alone

    levels = [view_pixels(grey, view=view, key="a").mean() for view in range(2, 60)]

    assert 100 * (1 - LIGHT) - 1 <= min(levels) < 90
    assert 110 < max(levels) <= 100 * (1 + LIGHT) + 1
