"""Synthetic photos with captions, as large and as long as Flickr8k's: for machines without photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from training.data.dataset import CaptionedPhoto

SIZE = (500, 375)
COLOURS = ("red", "blue", "green", "white", "black", "yellow")
THINGS = ("dog", "child", "boat", "horse", "bird", "cyclist")
DEEDS = ("runs", "sleeps", "jumps", "waits")
PLACES = ("on the grass", "in deep snow", "near a wooden house", "by the sea", "in front of a large crowd")


def captioned_pictures(folder: Path, *, count: int) -> list[CaptionedPhoto]:
    """Makes `count` JPEG files in `folder`, five captions each. They are the same every time."""
    folder.mkdir(parents=True, exist_ok=True)
    photos = []
    for number in range(count):
        path = folder / f"{number}.jpg"
        if not path.exists():
            _picture(np.random.default_rng([1, number])).save(path, quality=90)
        chance = np.random.default_rng([2, number])
        photos.append(CaptionedPhoto(number + 1, path, tuple(_caption(chance) for _ in range(5))))
    return photos


def _picture(chance: np.random.Generator) -> Image.Image:
    patches = Image.fromarray(chance.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    grain = chance.integers(-12, 13, (SIZE[1], SIZE[0], 1))
    picture = np.asarray(patches.resize(SIZE, Image.Resampling.BICUBIC), dtype=np.int16) + grain
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def _caption(chance: np.random.Generator) -> str:
    colour, thing, deed, place = (str(chance.choice(words)) for words in (COLOURS, THINGS, DEEDS, PLACES))
    return f"a {colour} {thing} {deed} {place}"
