"""Beam search over any decoder, batched over photos. Greedy search is beam 1. Serving and evaluation share it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor

from captioner.consensus import Consensus
from captioner.vocabulary import END, PAD, START, UNKNOWN

_NEVER = float("-inf")


class State(Protocol):
    def select(self, captions: Tensor, /) -> Self: ...

    def keep(self, photos: Tensor, /) -> Self: ...


S = TypeVar("S", bound=State)


class Stepper(Protocol[S]):
    """What the search runs: a decoder or an engine. Shapes: captioner.lstm_decoders.decoder.

    The search may change what `step` returned.
    """

    def start(self, photos: Tensor, /) -> S: ...

    def step(self, state: S, tokens: Tensor, /) -> tuple[Tensor, Tensor, S]: ...


@dataclass(frozen=True)
class Hypothesis:
    """A finished caption.

    `tokens`: word indices without <start> and <end>. `log_probabilities`: one for each, then that of <end>.
    `attention`: float32 (len(tokens), L). `score`: ranks the captions of one photo.
    """

    tokens: list[int]
    log_probabilities: list[float]
    attention: Tensor
    score: float


@dataclass
class _Paths:
    """The tree of the search: B photos, T steps, K captions at a time. Each tensor is (B, T, K), `maps` (B, T, K, L).

    After step t, caption k has the last word `words`. `logs` is that word's log-probability. `parents` is the caption
    before the step that it continues.
    Before step t, caption k may end. `ends` is the log-probability of that. `ranks` is its score if it ends (-inf: it
    does not end). `maps` is where it attends in the step.
    """

    words: Tensor
    parents: Tensor
    logs: Tensor
    ends: Tensor
    ranks: Tensor
    maps: Tensor

    @classmethod
    def empty(cls, attention: Tensor, *, steps: int, width: int) -> _Paths:
        """Takes the numbers of photos and places from `attention` (B, K, L)."""
        photos, _, places = attention.shape
        logs = attention.new_zeros(photos, steps, width, dtype=torch.float32)
        words = torch.full_like(logs, PAD, dtype=torch.int64)
        maps = attention.new_zeros(photos, steps, width, places)
        return cls(words, words.clone(), logs, logs.clone(), torch.full_like(logs, _NEVER), maps)

    def end(self, step: int, logs: Tensor, ranks: Tensor, maps: Tensor) -> None:
        """Records what the captions before this step are worth if they end, and where they attend. (B, K, ...)."""
        width = logs.shape[1]
        self.ends[:, step, :width], self.ranks[:, step, :width], self.maps[:, step, :width] = logs, ranks, maps

    def go_on(self, step: int, words: Tensor, parents: Tensor, logs: Tensor) -> None:
        width = words.shape[1]
        self.words[:, step, :width], self.parents[:, step, :width], self.logs[:, step, :width] = words, parents, logs

    def rank(self, count: int) -> Tensor:
        """(B,): the score of the last of the `count` best finished captions."""
        return self.ranks.flatten(1).topk(count, 1).values[:, -1]

    def keep(self, photos: Tensor) -> _Paths:
        return _Paths(*(part[photos] for part in vars(self).values()))

    @classmethod
    def of_all(cls, some: Sequence[_Paths]) -> _Paths:
        """Joins several trees: the photos of the first, then those of the second, ..."""
        return cls(*(torch.cat(parts) for parts in zip(*(vars(each).values() for each in some), strict=True)))

    def finished(self, count: int) -> list[list[Hypothesis]]:
        """At most `count` finished captions of each photo, best first."""
        ranks, ended = (part.tolist() for part in self.ranks.flatten(1).topk(count, 1))
        words, parents, logs, ends = (part.tolist() for part in (self.words, self.parents, self.logs, self.ends))
        maps, width = self.maps.float().cpu(), self.ranks.shape[-1]
        captions: list[list[Hypothesis]] = []
        for photo in range(len(ranks)):
            captions.append([])
            for rank, place in zip(ranks[photo], ended[photo], strict=True):
                if not rank > _NEVER:  # nor is NaN a rank
                    continue
                steps, k = divmod(place, width)
                tokens, log_probabilities, path = [], [ends[photo][steps][k]], []
                for step in reversed(range(steps)):
                    tokens.append(words[photo][step][k])
                    log_probabilities.append(logs[photo][step][k])
                    path.append(k := parents[photo][step][k])
                attention = maps[photo, range(steps), path[::-1]]
                captions[-1].append(Hypothesis(tokens[::-1], log_probabilities[::-1], attention, rank))
        return captions


@torch.inference_mode()
def beam_search(
    stepper: Stepper[S],
    photos: Tensor,
    *,
    beam: int,
    max_words: int,
    length_penalty: float,
    consensus: Consensus | None = None,
) -> list[list[Hypothesis]]:
    """At most `beam` captions for each photo, best first, each of 1..`max_words` words.

    `photos`: the input of `stepper.start`, such as the features (B, L, C) of a decoder. `consensus`: sorts the captions
    that were found.

    The score of a caption is the sum of its log-probabilities over length ** length_penalty. The length counts <end>.
    (0: the plain sum; 1: the mean.) The search never emits <pad>, <start> or <unk>, the same word twice in a row, or
    three words in a row that the caption has said before (Paulus et al. 2018, section 2.5): a decoder in a loop must
    continue elsewhere or end. A caption never ends before its first word. A caption of `max_words` pays for the <end>
    that cuts it.

    A photo is done when `beam` captions are finished and no open one, at its present length, outranks the last of them.
    It then leaves the batch. Its result does not depend on the photos beside it.
    """
    if not len(photos):
        return []
    state = stepper.start(photos)
    length = max_words + 1
    over: list[tuple[Tensor, _Paths]] = []  # photos that were done in the same step; their captions are read at the end
    waiting = torch.arange(len(photos), device=photos.device)  # not done yet; all tensors below hold these photos alone
    tokens = torch.full((len(photos), 1), START, device=photos.device)
    said, score = tokens.new_empty(len(photos), 1, 0), torch.zeros(tokens.shape, device=photos.device)
    paths: _Paths | None = None
    for step in range(length):
        logs, attention, state = stepper.step(state, tokens)
        if paths is None:
            paths = _Paths.empty(attention, steps=length, width=beam)
        _bar(logs, tokens, said)
        norm, (_, width, words) = (step + 1) ** length_penalty, logs.shape
        totals = score.unsqueeze(-1) + logs
        # Each caption has one <end>, so at least `beam` of the best 2 * `beam` do not end.
        best, chosen = totals.flatten(1).topk(min(2 * beam, width * words), 1)

        # An <end> counts only among the best `beam` continuations: beam 1 is greedy search, not its best prefix.
        ended = totals[:, :, END]
        barred = (ended < best[:, :beam][:, -1:]) & (step < max_words)
        paths.end(step, logs[:, :, END], (ended / norm).masked_fill(barred, _NEVER), attention)

        score, kept = best.masked_fill(chosen % words == END, _NEVER).topk(min(beam, best.shape[1]), 1)
        chosen = chosen.gather(1, kept)
        parents, tokens = chosen // words, chosen % words
        paths.go_on(step, tokens, parents, logs.flatten(1).gather(1, chosen))
        said = torch.cat([said.gather(1, parents.unsqueeze(-1).expand(-1, -1, step)), tokens.unsqueeze(-1)], -1)
        state = state.select(parents)
        done = (score[:, 0] / norm <= paths.rank(beam)) | (step == max_words)
        if bool(done.any()):  # indices, not masks: a GPU waits at each mask to count its places
            gone, going = (which.nonzero().squeeze(1) for which in (done, ~done))
            over.append((waiting[gone], paths.keep(gone)))
            waiting, tokens, said, score = waiting[going], tokens[going], said[going], score[going]
            state, paths = state.keep(going), paths.keep(going)
        if not len(waiting):
            break
    order = torch.cat([which for which, _ in over]).tolist()
    found = dict(zip(order, _Paths.of_all([paths for _, paths in over]).finished(beam), strict=True))
    return [_ordered(found[photo], consensus) if consensus else found[photo] for photo in range(len(photos))]


def _bar(logs: Tensor, tokens: Tensor, said: Tensor) -> None:
    """Sets to -inf in `logs` (B, K, V) what may not follow `said` (B, K, T). `tokens` (B, K): the last of `said`."""
    for special in (PAD, START, UNKNOWN):
        logs[:, :, special] = _NEVER
    if said.shape[-1] == 0:
        logs[:, :, END] = _NEVER
    else:
        logs.scatter_(2, tokens.unsqueeze(-1), _NEVER)  # no word twice running
    if said.shape[-1] > 2:
        logs.scatter_(2, _repeating(said), _NEVER)


def _repeating(tokens: Tensor) -> Tensor:
    """Words that would repeat a phrase of three. `tokens`: int64 (B, K, T), T >= 3 -> int64 (B, K, T - 2), or <pad>.

    A word repeats if it followed the last two words at an earlier place. `tokens` never holds <end>.
    """
    first, second, third = tokens[:, :, :-2], tokens[:, :, 1:-1], tokens[:, :, 2:]
    same = (first == tokens[:, :, -2:-1]) & (second == tokens[:, :, -1:])
    return third.masked_fill(~same, PAD)  # <pad> is barred anyhow


def _ordered(captions: list[Hypothesis], consensus: Consensus) -> list[Hypothesis]:
    order = consensus.order([c.tokens for c in captions], [c.log_probabilities for c in captions])
    return [captions[index] for index in order]
