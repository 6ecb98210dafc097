"""The fixed sample of photos that limits and the model gate score."""

import random
from pathlib import Path

from training.data.dataset import CaptionedPhoto, photos_sample


def test_photos_sample_is_the_same_whatever_the_order_of_the_file():
    photos = [CaptionedPhoto(id=n, path=Path(f"{n}.jpg"), captions=("x",)) for n in range(50)]
    shuffled = random.sample(photos, len(photos))

    assert photos_sample(shuffled, limit=10) == photos_sample(photos, limit=10)


def test_photos_sample_lies_within_a_larger_one():
    photos = [CaptionedPhoto(id=n, path=Path(f"{n}.jpg"), captions=("x",)) for n in range(50)]

    assert photos_sample(photos, limit=10) == photos_sample(photos, limit=20)[:10]
    assert len(photos_sample(photos, limit=None)) == 50


def test_photos_sample_is_fixed_for_ever():
    photos = [CaptionedPhoto(id=n, path=Path(f"{n}.jpg"), captions=("x",)) for n in range(50)]

    # A change here changes which photos the model gate scores: its figures would no longer compare.
    assert [photo.id for photo in photos_sample(photos, limit=4)] == [26, 36, 34, 38]
