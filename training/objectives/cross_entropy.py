"""Cross-entropy of captions, with optional penalties for uneven or soft attention, and optional teachers."""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F

from captioner.lstm_decoders import Decoder
from captioner.vocabulary import PAD


class CaptionLoss(NamedTuple):
    """`total`: what to minimise. `nats`: the mean cross-entropy per token in it. Both are scalars with gradient."""

    total: Tensor
    nats: Tensor


def caption_loss(
    decoder: Decoder,
    features: Tensor,
    tokens: Tensor,
    *,
    smoothing: float = 0.0,
    penalty: float = 0.0,
    focus: float = 0.0,
    taught: Tensor | None = None,
    teaching: float = 0.0,
) -> CaptionLoss:
    """Teacher forcing. `features` (B, L, C), `tokens` int64 (B, K, T): <start>, words, <end>, <pad>.

    `smoothing`: label smoothing (Szegedy et al. 2016, section 7). `penalty`: weight of attention_spread. `focus`:
    weight of attention_entropy. `taught` (N, V): probabilities by teachers for the N tokens after <start> that are no
    padding (Hinton et al. 2015, section 2). `teaching`: their weight. The captions have the rest.
    """
    vectors, attention = decoder.vectors(features, tokens[:, :, :-1])
    # A decoder gives T - 1 outputs, one for each token after <start>. The tutorial's gives one for <start> too.
    targets = tokens[:, :, -vectors.shape[2] :]
    real = targets != PAD
    logits = decoder.logits(vectors[real]).float()
    nats = F.cross_entropy(logits, targets[real], label_smoothing=smoothing)
    total = nats if taught is None else (1 - teaching) * nats + teaching * F.cross_entropy(logits, taught)
    if attention.shape[-1] > 0:
        if penalty:
            total = total + penalty * attention_spread(attention.float(), real)
        if focus:
            total = total + focus * attention_entropy(attention.float(), real)
    return CaptionLoss(total, nats)


def attention_spread(attention: Tensor, real: Tensor) -> Tensor:
    """How unevenly a caption attends to the photo, all words together: sum_i (L/T a_i - 1)^2 / L, mean over captions.

    `attention` (B, K, T, L), `real` bool (B, K, T). Xu et al. (2015, equation 14, "doubly stochastic") ask that every
    place be looked at once in total. T words cannot do that for L > T places, and the pull made every map uniform. Here
    the share of each place is compared with 1 / L.
    """
    words = real.sum(-1, keepdim=True)
    share = (attention * real.unsqueeze(-1)).sum(2) / words.clamp(min=1)
    uneven = (share * attention.shape[-1] - 1).square().mean(-1) * (words > 0).squeeze(-1)
    return uneven.sum() / (words > 0).sum().clamp(min=1)


def attention_entropy(attention: Tensor, real: Tensor) -> Tensor:
    """How soft a word's map is: its entropy over that of an even map, 0..1. Mean over words.

    `attention` (B, K, T, L), `real` bool (B, K, T). Grandvalet and Bengio (2005) train classifiers so.
    """
    entropy = -(attention * attention.clamp(min=1e-9).log()).sum(-1) / math.log(attention.shape[-1])
    return (entropy * real).sum() / real.sum().clamp(min=1)
