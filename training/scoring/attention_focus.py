"""How sharp attention is, and how much it moves from word to word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch

from captioner.beam_search import beam_search
from captioner.inference import Captioner
from training.errors import ScorerError
from training.scoring.caption_faults import FUNCTION_WORDS


@dataclass(frozen=True)
class Focus:
    """How sharp attention is, and how much it moves.

    peak: the largest weight of a map over the uniform weight 1 / L, mean over content words. 1 is an even map, L a
    single place.
    distance: total-variation distance of two maps of a caption, mean over its pairs of maps, then over captions. 0 when
    every word looks at the same, 1 when no two words look at the same place.
    content_distance: the same between content words alone, so articles and prepositions cannot raise it.
    """

    peak: float
    distance: float
    content_distance: float

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


def attention_focus(words: Sequence[Sequence[str]], maps: Sequence[np.ndarray]) -> Focus:
    """The focus over captions. `words`, `maps`: of each caption. Maps: float (T, L), each with the sum 1.

    Content words are all but FUNCTION_WORDS. A caption with fewer than two maps has no distance. Means over nothing
    are 0. Raises ScorerError if words and maps differ in number, or the weights of a map do not add up to 1.
    """
    peaks: list[np.ndarray] = []
    distances: list[float] = []
    content_distances: list[float] = []
    for caption, weights in zip(words, maps, strict=True):
        if len(caption) != len(weights):
            raise ScorerError(f"{' '.join(caption)!r} has {len(caption)} words, but {len(weights)} attention maps.")
        if not np.allclose(weights.sum(1), 1, atol=1e-3):
            raise ScorerError(f"The attention maps of {' '.join(caption)!r} must add up to 1: {weights.sum(1)}.")
        content = weights[np.array([word.lower() not in FUNCTION_WORDS for word in caption], dtype=bool)]
        if len(content):
            peaks.append(content.max(1) * weights.shape[1])
        for part, found in ((weights, distances), (content, content_distances)):
            if len(part) > 1:
                found.append(_mean_distance(part))
    return Focus(
        peak=float(np.concatenate(peaks).mean()) if peaks else 0.0,
        distance=float(np.mean(distances)) if distances else 0.0,
        content_distance=float(np.mean(content_distances)) if content_distances else 0.0,
    )


@torch.inference_mode()
def greedy_attention(captioner: Captioner, images: Sequence[np.ndarray]) -> tuple[list[list[str]], list[np.ndarray]]:
    """Words and attention maps of greedy captions, for `attention_focus`: float32 (T, L), as the decoder weighed.

    `images`: uint8 (S, S, 3) each. `Captioner.caption_batch` gives maps for the eye, in 255 steps; these are exact.
    L is 0 where the decoder has no attention.
    """
    pixels = torch.from_numpy(np.stack(images)).to(captioner.device).permute(0, 3, 1, 2)
    decoding = captioner.config.decoding
    found = beam_search(
        captioner.decoder,
        captioner.encoder(pixels),
        beam=1,
        max_words=decoding.max_words,
        length_penalty=decoding.length_penalty,
    )
    best = [hypotheses[0] for hypotheses in found]
    return [captioner.vocabulary.decode(h.tokens) for h in best], [h.attention.numpy() for h in best]


def _mean_distance(maps: np.ndarray) -> float:
    """Mean total-variation distance, half the L1 distance, over the pairs of (T, L) maps; T >= 2."""
    first, second = np.triu_indices(len(maps), k=1)
    return float(np.abs(maps[first] - maps[second]).sum(1).mean() / 2)
