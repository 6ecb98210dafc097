"""Beam search over any decoder, batched over photos. Greedy search is beam 1. Serving and evaluation share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor

from captioner.consensus import consensus_order
from captioner.vocabulary import END, PAD, START, UNKNOWN

_NEVER = float("-inf")


class State(Protocol):
    def select(self, captions: Tensor, /) -> Self: ...

    def keep(self, photos: Tensor, /) -> Self: ...


S = TypeVar("S", bound=State)


class Stepper(Protocol[S]):
    """What is searched: a decoder, or an engine that stands in for one (see captioner.decoders for the shapes)."""

    def start(self, features: Tensor, /) -> S: ...

    def step(self, state: S, tokens: Tensor, /) -> tuple[Tensor, Tensor, S]: ...


@dataclass(frozen=True)
class Hypothesis:
    """A finished caption.

    `tokens`: word indices without <start> and <end>. `log_probabilities`: one for each, then that of <end>.
    `attention`: float32 (len(tokens), L). `score`: what captions of the same photo are ranked by.
    """

    tokens: list[int]
    log_probabilities: list[float]
    attention: Tensor
    score: float


@dataclass
class _Beams:
    """Captions of B photos, K each: `score` (B, K), tokens and their log-probabilities (B, K, T), attention."""

    score: Tensor
    tokens: Tensor
    logs: Tensor
    attention: Tensor

    def select(self, captions: Tensor, score: Tensor) -> _Beams:
        flat = captions.unsqueeze(-1).expand(-1, -1, self.tokens.shape[-1])
        maps = flat.unsqueeze(-1).expand(-1, -1, -1, self.attention.shape[-1])
        return _Beams(score, self.tokens.gather(1, flat), self.logs.gather(1, flat), self.attention.gather(1, maps))

    def keep(self, photos: Tensor) -> _Beams:
        return _Beams(self.score[photos], self.tokens[photos], self.logs[photos], self.attention[photos])

    def append(self, step: int, tokens: Tensor, logs: Tensor, attention: Tensor) -> None:
        self.tokens[:, :, step], self.logs[:, :, step], self.attention[:, :, step] = tokens, logs, attention

    def join(self, other: _Beams) -> _Beams:
        pairs = ((getattr(self, name), getattr(other, name)) for name in ("score", "tokens", "logs", "attention"))
        return _Beams(*(torch.cat(pair, 1) for pair in pairs))


@torch.inference_mode()
def beam_search(
    stepper: Stepper[S], features: Tensor, *, beam: int, max_words: int, length_penalty: float, consensus: float = 0.0
) -> list[list[Hypothesis]]:
    """At most `beam` captions for each photo, best first, each of 1..`max_words` words.

    `features`: (B, L, C). Captions are ranked by the sum of their log-probabilities over length ** length_penalty,
    the length counting <end> (0: the plain sum; 1: the mean). <pad>, <start> and <unk> are never emitted, nor a word
    twice running, nor three words in a row that the caption has said before (Paulus et al. 2018, section 2.5): a
    decoder in a loop must go on elsewhere or end. A caption never ends before its first word, and one of `max_words`
    pays for the <end> that cuts it. A photo is done, and takes part in no further step, when `beam` captions are
    finished and no open one, at its present length, outranks the last of them; its result does not depend on the photos
    beside it. With `consensus` above 0 the captions found are put in the order of captioner.consensus, in which it
    weighs their probabilities.
    """
    state = stepper.start(features)
    device, length = features.device, max_words + 1
    found: list[list[Hypothesis]] = [[] for _ in features]
    waiting = torch.arange(len(found), device=device)  # photos that are not done: what is below is theirs alone
    tokens = torch.full((len(found), 1), START, device=device)
    open_, finished = None, None
    for step in range(length):
        logs, attention, state = stepper.step(state, tokens)
        logs[:, :, [PAD, START, UNKNOWN]] = _NEVER
        logs = logs.scatter(2, tokens.unsqueeze(-1), _NEVER)  # no word twice running
        if open_ is not None and step > 2:
            logs = logs.scatter(2, _repeating(open_.tokens[:, :, :step]), _NEVER)
        if step == 0:
            logs[:, :, END] = _NEVER
        if open_ is None or finished is None:
            open_ = _beams_empty(len(found), 1, length, attention.shape[-1], device, score=0.0)
            finished = _beams_empty(len(found), beam, length, attention.shape[-1], device, score=_NEVER)
        norm = (step + 1) ** length_penalty
        totals = open_.score.unsqueeze(-1) + logs
        # An <end> counts only among the best `beam` continuations: beam 1 is greedy search, not its best prefix.
        floor = totals.flatten(1).topk(min(beam, logs[0].numel()), 1).values[:, -1:]
        barred = (totals[:, :, END] < floor) & (step < max_words)
        ended = open_.select(
            torch.arange(open_.score.shape[1], device=device).expand(len(waiting), -1),
            (totals[:, :, END] / norm).masked_fill(barred, _NEVER),
        )
        ended.append(step, torch.full_like(ended.tokens[:, :, 0], END), logs[:, :, END], attention)
        pool = finished.join(ended)
        score, best = pool.score.topk(beam, 1)
        finished = pool.select(best, score)

        totals[:, :, END] = _NEVER
        score, best = totals.flatten(1).topk(min(beam, logs[0].numel()), 1)
        parent, tokens = best // logs.shape[-1], best % logs.shape[-1]
        open_ = open_.select(parent, score)
        word_logs = logs.flatten(1).gather(1, best)
        word_maps = attention.gather(1, parent.unsqueeze(-1).expand(-1, -1, attention.shape[-1]))
        open_.append(step, tokens, word_logs, word_maps)
        state = state.select(parent)
        done = (score[:, 0] / norm <= finished.score[:, -1]) | (step == max_words)
        if bool(done.any()):
            for photo, captions in zip(waiting[done].tolist(), _hypotheses(finished.keep(done)), strict=True):
                found[photo] = _by_consensus(captions, consensus) if consensus else captions
            waiting, tokens, state = waiting[~done], tokens[~done], state.keep(~done)
            open_, finished = open_.keep(~done), finished.keep(~done)
        if not len(waiting):
            break
    return found


def _by_consensus(captions: list[Hypothesis], votes: float) -> list[Hypothesis]:
    logs = [sum(caption.log_probabilities) for caption in captions]
    return [captions[index] for index in consensus_order([c.tokens for c in captions], logs, votes=votes)]


def _repeating(tokens: Tensor) -> Tensor:
    """Words that would say a phrase of three again. `tokens`: int64 (B, K, T), T >= 3 -> int64 (B, K, T - 2), or <pad>.

    A word is one of them if it followed the last two words where they stood before. <end> never stands in `tokens`.
    """
    first, second, third = tokens[:, :, :-2], tokens[:, :, 1:-1], tokens[:, :, 2:]
    same = (first == tokens[:, :, -2:-1]) & (second == tokens[:, :, -1:])
    return third.masked_fill(~same, PAD)  # <pad> is barred anyhow


def _beams_empty(photos: int, width: int, length: int, places: int, device: torch.device, *, score: float) -> _Beams:
    return _Beams(
        score=torch.full((photos, width), score, device=device),
        tokens=torch.full((photos, width, length), PAD, device=device),
        logs=torch.zeros((photos, width, length), device=device),
        attention=torch.zeros((photos, width, length, places), device=device),
    )


def _hypotheses(finished: _Beams) -> list[list[Hypothesis]]:
    scores, tokens, logs = finished.score.tolist(), finished.tokens.tolist(), finished.logs.tolist()
    attention = finished.attention.float().cpu()
    captions: list[list[Hypothesis]] = []
    for photo, row in enumerate(scores):
        captions.append([])
        for k, score in enumerate(row):
            if score > _NEVER:
                words = tokens[photo][k].index(END)
                captions[-1].append(
                    Hypothesis(
                        tokens[photo][k][:words], logs[photo][k][: words + 1], attention[photo, k, :words], score
                    )
                )
    return captions
