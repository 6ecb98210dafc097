"""The learning rate over the steps of a stage."""

from __future__ import annotations

import math


def rate_share(step: int, *, steps: int, warmup: int, cosine: bool) -> float:
    """The share, in 0..1, of its height that the learning rate has at `step` (0 .. `steps` - 1).

    Linear over the first `warmup` steps (Goyal et al. 2017, section 2.2), then half a cosine down to nothing
    (Loshchilov and Hutter 2017, equation 5), or level without `cosine`.
    """
    if step < warmup:
        return (step + 1) / warmup
    if not cosine:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
