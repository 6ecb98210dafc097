"""Pictures that differ in every way, to try a model on: a sound model says different things of them."""

import numpy as np


def probe_pictures(size: int) -> list[np.ndarray]:
    """uint8 (size, size, 3) each: white, noise, stripes, a landscape's colours, a disc, squares."""
    y, x = np.mgrid[0:size, 0:size] / size
    grey = [np.ones_like(x), np.random.default_rng(0).random((size, size)), np.sin(40 * x) / 2 + 0.5]
    colours = [np.repeat(each[..., None], 3, axis=2) for each in grey]
    sky = (y < 0.5)[..., None]
    colours.append(np.where(sky, [0.4, 0.6, 1.0], [0.2, 0.6, 0.2]))
    colours.append(np.where((np.hypot(x - 0.5, y - 0.5) < 0.3)[..., None], [0.9, 0.2, 0.1], [0.1, 0.1, 0.1]))
    colours.append(np.where(((x * 8).astype(int) + (y * 8).astype(int))[..., None] % 2, [0.9, 0.8, 0.1], [0.4, 0, 0.5]))
    return [(255 * picture).astype(np.uint8) for picture in colours]
