"""The learning rate over the steps of a stage: it rises, then falls."""

from __future__ import annotations

import math


def rate_share(step: int, *, steps: int, warmup: int, cosine: bool) -> float:
    """The learning rate at `step` (0 .. `steps` - 1), as a share, 0..1, of its height.

    It rises linearly over the first `warmup` steps (Goyal et al. 2017, section 2.2), then falls by half a cosine to 0
    (Loshchilov and Hutter 2017, equation 5), or stays without `cosine`.
    """
    if step < warmup:
        return (step + 1) / warmup
    if not cosine:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
