"""Augmentation: views of a photo, as it is, mirrored, or a part of it in other light.

The same view of the same photo always has the same pixels, so its features can be cached.
"""

from __future__ import annotations

import hashlib

import numpy as np
from PIL import Image, ImageEnhance

AREA = (0.7, 1.0)  # of a random crop, as a share of the photo
RATIO = (3 / 4, 4 / 3)  # of its sides
LIGHT = 0.2  # brightness, contrast and saturation change by at most this share


def view_pixels(pixels: np.ndarray, *, view: int, key: str) -> np.ndarray:
    """View `view` of a photo, uint8 (S, S, 3) both: 0 as it is, 1 mirrored, from 2 on a random crop in random light,
    mirrored or not (Szegedy et al. 2015, section 6). Chance depends on `view` and on `key`, the photo's name, alone.
    """
    if view == 0:
        return pixels
    if view == 1:
        return np.ascontiguousarray(pixels[:, ::-1])
    digest = hashlib.sha256(f"{view} {key}".encode()).digest()
    chance = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    size = pixels.shape[0]
    area, ratio = chance.uniform(*AREA), np.exp(chance.uniform(*np.log(RATIO)))
    width, height = (min(size, round(size * side)) for side in (np.sqrt(area * ratio), np.sqrt(area / ratio)))
    left, top = chance.integers(size - width + 1), chance.integers(size - height + 1)
    image = Image.fromarray(pixels).resize(
        (size, size), Image.Resampling.BICUBIC, box=(left, top, left + width, top + height)
    )
    for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = change(image).enhance(chance.uniform(1 - LIGHT, 1 + LIGHT))
    seen = np.asarray(image)
    return np.ascontiguousarray(seen[:, ::-1]) if chance.random() < 0.5 else seen
