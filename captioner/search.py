"""Beam search over any decoder, batched over photos. Greedy search is beam 1. Serving and evaluation share it."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    """What is searched: a decoder, or an engine (see captioner.decoders for the shapes). `step` gives up its result."""

    def start(self, photos: Tensor, /) -> S: ...

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
    """Captions of B photos, K each: `score` (B, K); tokens, their log-probabilities and their maps (B, K, T).

    A map is the number of its row in what was attended to, (B, T * K, L): that is too much to copy at every step.
    """

    score: Tensor
    tokens: Tensor
    logs: Tensor
    maps: Tensor

    @classmethod
    def empty(cls, photos: int, width: int, length: int, device: torch.device, *, score: float) -> _Beams:
        tokens = torch.full((photos, width, length), PAD, device=device)
        logs = torch.zeros((photos, width, length), device=device)
        return cls(torch.full((photos, width), score, device=device), tokens, logs, torch.zeros_like(tokens))

    def select(self, captions: Tensor, score: Tensor) -> _Beams:
        index = captions.unsqueeze(-1).expand(-1, -1, self.tokens.shape[-1])
        return _Beams(score, *(part.gather(1, index) for part in (self.tokens, self.logs, self.maps)))

    def keep(self, photos: Tensor) -> _Beams:
        return _Beams(self.score[photos], self.tokens[photos], self.logs[photos], self.maps[photos])

    def append(self, step: int, tokens: Tensor | int, logs: Tensor, maps: Tensor) -> None:
        """Puts a word in place `step`, over what stands there."""
        self.tokens[:, :, step], self.logs[:, :, step], self.maps[:, :, step] = tokens, logs, maps

    def join(self, other: _Beams) -> _Beams:
        pairs = ((getattr(self, name), getattr(other, name)) for name in ("score", "tokens", "logs", "maps"))
        return _Beams(*(torch.cat(pair, 1) for pair in pairs))


@torch.inference_mode()
def beam_search(
    stepper: Stepper[S], photos: Tensor, *, beam: int, max_words: int, length_penalty: float, consensus: float = 0.0
) -> list[list[Hypothesis]]:
    """At most `beam` captions for each photo, best first, each of 1..`max_words` words.

    `photos`: what `stepper` starts from, such as the features (B, L, C) of a decoder. Captions are ranked by the sum of
    their log-probabilities over length ** length_penalty, the length counting <end> (0: the plain sum; 1: the mean).
    <pad>, <start> and <unk> are never emitted, nor a word twice running, nor three words in a row that the caption has
    said before (Paulus et al. 2018, section 2.5): a decoder in a loop must go on elsewhere or end. A caption never ends
    before its first word, and one of `max_words` pays for the <end> that cuts it. A photo is done, and takes part in no
    further step, when `beam` captions are finished and no open one, at its present length, outranks the last of them;
    its result does not depend on the photos beside it. With `consensus` above 0 the captions found are put in the order
    of captioner.consensus, in which it weighs their probabilities.
    """
    state = stepper.start(photos)
    device, length = photos.device, max_words + 1
    found: list[list[Hypothesis]] = [[] for _ in photos]
    waiting = torch.arange(len(found), device=device)  # photos that are not done: what is below is theirs alone
    tokens = torch.full((len(found), 1), START, device=device)
    open_ = _Beams.empty(len(found), 1, length, device, score=0.0)
    finished = _Beams.empty(len(found), beam, length, device, score=_NEVER)
    attended: Tensor | None = None
    for step in range(length):
        logs, attention, state = stepper.step(state, tokens)
        _bar(logs, tokens, open_.tokens[:, :, :step])
        if attended is None:
            attended = attention.new_zeros(len(found), length * beam, attention.shape[-1])
        maps = step * beam + torch.arange(attention.shape[1], device=device)
        attended[waiting.unsqueeze(-1), maps] = attention
        norm, words = (step + 1) ** length_penalty, logs.shape[-1]
        totals = open_.score.unsqueeze(-1) + logs
        best = totals.flatten(1).topk(min(2 * beam, logs[0].numel()), 1)  # `beam` of them do not end: one <end> each

        # An <end> counts only among the best `beam` continuations: beam 1 is greedy search, not its best prefix.
        barred = (totals[:, :, END] < best.values[:, :beam].amin(1, keepdim=True)) & (step < max_words)
        open_.append(step, END, logs[:, :, END], maps)
        pool = finished.join(replace(open_, score=(totals[:, :, END] / norm).masked_fill(barred, _NEVER)))
        score, chosen = pool.score.topk(beam, 1)
        finished = pool.select(chosen, score)

        going_on = best.values.masked_fill(best.indices % words == END, _NEVER)
        score, chosen = going_on.topk(min(beam, going_on.shape[1]), 1)
        chosen = best.indices.gather(1, chosen)
        parent, tokens = chosen // words, chosen % words
        open_ = open_.select(parent, score)
        open_.append(step, tokens, logs.flatten(1).gather(1, chosen), maps[parent])
        state = state.select(parent)
        done = (score[:, 0] / norm <= finished.score[:, -1]) | (step == max_words)
        if bool(done.any()):
            photos_done = waiting[done]
            captions = _hypotheses(finished.keep(done), attended[photos_done])
            for photo, hypotheses in zip(photos_done.tolist(), captions, strict=True):
                found[photo] = _by_consensus(hypotheses, consensus) if consensus else hypotheses
            waiting, tokens, state = waiting[~done], tokens[~done], state.keep(~done)
            open_, finished = open_.keep(~done), finished.keep(~done)
        if not len(waiting):
            break
    return found


def _bar(logs: Tensor, tokens: Tensor, said: Tensor) -> None:
    """Makes impossible in `logs` (B, K, V) what may not follow `said` (B, K, T); `tokens` (B, K) are the last of it."""
    logs[:, :, [PAD, START, UNKNOWN]] = _NEVER
    if said.shape[-1] == 0:
        logs[:, :, END] = _NEVER
    else:
        logs.scatter_(2, tokens.unsqueeze(-1), _NEVER)  # no word twice running
    if said.shape[-1] > 2:
        logs.scatter_(2, _repeating(said), _NEVER)


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


def _hypotheses(finished: _Beams, attended: Tensor) -> list[list[Hypothesis]]:
    scores, tokens, logs = finished.score.tolist(), finished.tokens.tolist(), finished.logs.tolist()
    attended, maps = attended.float().cpu(), finished.maps.cpu()
    captions: list[list[Hypothesis]] = []
    for photo, row in enumerate(scores):
        captions.append([])
        for k, score in enumerate(row):
            if score > _NEVER:
                words = tokens[photo][k].index(END)
                attention = attended[photo, maps[photo, k, :words]]
                captions[-1].append(Hypothesis(tokens[photo][k][:words], logs[photo][k][: words + 1], attention, score))
    return captions
