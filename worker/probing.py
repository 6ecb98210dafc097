"""Trying a bundle on pictures that have nothing in common. Runs in a child process: no Django, no queue."""

from pathlib import Path

import numpy as np

PROBES = 6


class ModelUnfit(Exception):
    """The bundle is whole, but its captions are of no use."""


def bundle_verify(directory: Path) -> None:
    """Load a bundle and caption probes with it: distinct pictures must not all get one caption.

    Raises:
        BundleError: missing, corrupt or incompatible.
        ModelUnfit: the same caption, or none, for every probe.
    """
    from captioner.inference import Captioner  # in the child alone

    captioner = Captioner.load(directory)
    captions = {result.text for result in captioner.caption_batch(_probes(captioner.preprocessing.size))}
    if captions <= {""}:
        raise ModelUnfit("it writes no words")
    if len(captions) == 1:
        raise ModelUnfit(
            f"it writes {captions.pop()!r} for {PROBES} distinct pictures: "
            "check that weights, vocabulary and preprocessing belong together"
        )


def _probes(size: int) -> list[np.ndarray]:
    """Pictures that have nothing in common: white, noise, stripes, a landscape's colours, a disc, squares."""
    y, x = np.mgrid[0:size, 0:size] / size
    grey = [np.ones_like(x), np.random.default_rng(0).random((size, size)), np.sin(40 * x) / 2 + 0.5]
    colours = [np.repeat(each[..., None], 3, axis=2) for each in grey]
    sky = (y < 0.5)[..., None]
    colours.append(np.where(sky, [0.4, 0.6, 1.0], [0.2, 0.6, 0.2]))
    colours.append(np.where((np.hypot(x - 0.5, y - 0.5) < 0.3)[..., None], [0.9, 0.2, 0.1], [0.1, 0.1, 0.1]))
    colours.append(np.where(((x * 8).astype(int) + (y * 8).astype(int))[..., None] % 2, [0.9, 0.8, 0.1], [0.4, 0, 0.5]))
    return [(255 * picture).astype(np.uint8) for picture in colours]
