"""Self-critical training: captions drawn from the model, rewarded by CIDEr-D (Rennie et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from captioner.lstm_decoders import Decoder
from captioner.vocabulary import END, PAD, START, UNKNOWN
from training.scoring.cider import CiderD


class SelfCritic:
    """Rewards of captions by their photo's references, CIDEr-D x 10 as usual in its papers: 0..10.

    Captions and references are scored with their <end>. Without it a model is rewarded for captions that break off
    ("a man in a"), because every n-gram of theirs is right.
    """

    def __init__(self, references: Mapping[int, Sequence[Sequence[int]]]) -> None:
        """`references`: photo id -> captions as indices of words, without <start> and <end>."""
        self._cider = CiderD({photo: [[*words, END] for words in texts] for photo, texts in references.items()})

    def rewards(self, photos: Sequence[int], captions: Tensor) -> Tensor:
        """Rewards float32 (B, K) of captions int64 (B, K, T) by captions_sample, for B photo ids."""
        rewards = np.zeros(captions.shape[:2], dtype=np.float32)
        for row, (photo, texts) in enumerate(zip(photos, captions.tolist(), strict=True)):
            for column, text in enumerate(texts):
                rewards[row, column] = self._cider.score(photo, caption_words(text))
        return torch.from_numpy(rewards)


def caption_words(tokens: Sequence[int]) -> list[int]:
    """<start>, words, <end>, <pad> -> words and <end>."""
    end = tokens.index(END) + 1 if END in tokens else len(tokens)
    return [token for token in tokens[1:end] if token != PAD]


@torch.no_grad()
def captions_sample(decoder: Decoder, features: Tensor, *, samples: int, max_words: int) -> Tensor:
    """Captions drawn word by word from the model: int64 (B, samples, T), <start>, words, <end>, <pad>.

    <unk> is never drawn. T is at most max_words + 2. A caption that did not end by then has no <end>.
    """
    state = decoder.start(features)
    photos = features.shape[0]
    state = state.select(torch.zeros(photos, samples, dtype=torch.int64, device=features.device))
    tokens = torch.full((photos, samples), START, device=features.device)
    drawn = [tokens]
    ended = torch.zeros_like(tokens, dtype=torch.bool)
    for _ in range(max_words + 1):
        logs, _, state = decoder.step(state, tokens)
        logs[:, :, [PAD, START, UNKNOWN]] = float("-inf")
        tokens = torch.multinomial(logs.flatten(0, 1).exp(), 1).view(photos, samples).masked_fill(ended, PAD)
        drawn.append(tokens)
        ended = ended | (tokens == END)
        if bool(ended.all()):
            break
    return torch.stack(drawn, 2)


def self_critical_loss(decoder: Decoder, features: Tensor, captions: Tensor, rewards: Tensor) -> Tensor:
    """Policy gradient (Rennie et al. 2017, equation 7) with the mean reward of a photo's other captions as baseline.

    `captions` int64 (B, K, T), `rewards` (B, K). The baseline of Luo (2020, "A better variant of self-critical
    sequence training") needs no greedy caption and has less variance. Scalar: the mean over the tokens drawn.
    """
    others = (rewards.sum(1, keepdim=True) - rewards) / (rewards.shape[1] - 1)
    advantage = (rewards - others).unsqueeze(-1)
    vectors, _ = decoder.vectors(features, captions[:, :, :-1])
    targets = captions[:, :, 1:]
    vectors = vectors[:, :, -targets.shape[2] :]
    real = targets != PAD
    logits = decoder.logits(vectors[real]).float()
    logits[:, [PAD, START, UNKNOWN]] = float("-inf")  # what could not be drawn had no probability
    logs = logits.log_softmax(-1).gather(1, targets[real].unsqueeze(1)).squeeze(1)
    return -(advantage.expand_as(targets)[real] * logs).mean()
