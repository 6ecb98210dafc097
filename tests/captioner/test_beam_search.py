"""Beam search, against an exhaustive search and by its promises."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from captioner.beam_search import Hypothesis, beam_search
from captioner.config import DecoderConfig
from captioner.lstm_decoders import Decoder, DecoderState, decoder_create
from captioner.vocabulary import END, PAD, START, UNKNOWN

WORDS = 3  # after the four special tokens
VOCABULARY = 4 + WORDS
MAX_WORDS = 5  # the fewest that can say three words twice: a b a b a


def decoder(seed: int, kind: str = "show_attend_and_tell") -> Decoder:
    """A random decoder, sure enough of itself that captions differ."""
    torch.manual_seed(seed)
    sizes = DecoderConfig(kind, embedding=8, hidden=8, annotation=8, attention=4, dropout=0.0)
    made = decoder_create(sizes, vocabulary_size=VOCABULARY, feature_channels=6).eval()
    torch.nn.init.normal_(made.get_parameter("embedding.weight"))
    return made


def photos(seed: int, count: int) -> Tensor:
    return torch.randn((count, 4, 6), generator=torch.Generator().manual_seed(seed))


def repeats(words: Sequence[int]) -> bool:
    """Whether a word stands twice running, or three in a row stand twice."""
    phrases = list(zip(words, words[1:], words[2:], strict=False))
    return len(set(phrases)) < len(phrases) or any(a == b for a, b in itertools.pairwise(words))


def exhaustive(model: Decoder, features: Tensor, *, length_penalty: float) -> list[tuple[float, list[int]]]:
    """Every caption of one photo that there is, best first, by teacher forcing."""
    found: list[tuple[float, list[int]]] = []
    for length in range(1, MAX_WORDS + 1):
        tree = itertools.product(range(4, VOCABULARY), repeat=length)
        words = torch.tensor([path for path in tree if not repeats(path)])
        tokens = torch.nn.functional.pad(torch.nn.functional.pad(words, (1, 0), value=START), (0, 1), value=END)
        with torch.inference_mode():
            logits, _ = model(features, tokens[None, :, :-1])
        logits = logits[:, :, -(length + 1) :]  # the tutorial's decoder predicts <start> too
        logs = logits[0].log_softmax(-1).gather(-1, tokens[:, 1:, None]).sum((1, 2))
        found += zip((logs / (length + 1) ** length_penalty).tolist(), words.tolist(), strict=True)
    return sorted(found, reverse=True)


def search(model: Decoder, features: Tensor, **options: Any) -> list[list[Hypothesis]]:
    values: dict[str, Any] = {"beam": 3, "max_words": MAX_WORDS, "length_penalty": 0.7} | options
    return beam_search(model, features, **values)


@pytest.mark.parametrize("kind", ["show_attend_and_tell", "show_and_tell", "tutorial"])
@pytest.mark.parametrize("length_penalty", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_search_with_a_beam_as_wide_as_the_tree_finds_the_best_captions(seed, length_penalty, kind):
    model, features = decoder(seed, kind), photos(seed, 1)

    found = search(model, features, beam=(WORDS + 1) ** MAX_WORDS, length_penalty=length_penalty)[0]

    wanted = exhaustive(model, features, length_penalty=length_penalty)
    assert [hypothesis.tokens for hypothesis in found[:5]] == [words for _, words in wanted[:5]]
    assert [hypothesis.score for hypothesis in found] == pytest.approx([score for score, _ in wanted], rel=1e-4)
    assert {tuple(hypothesis.tokens) for hypothesis in found} == {tuple(words) for _, words in wanted}


def test_search_of_beam_one_is_greedy():
    model, features = decoder(3), photos(3, 1)
    tokens = [START]
    while len(tokens) <= MAX_WORDS:
        logits = model(features, torch.tensor([[tokens]]))[0].detach()
        repeating = [word for word in range(4, VOCABULARY) if repeats([*tokens[1:], word])]
        logits[0, 0, -1, [PAD, START, UNKNOWN, *repeating]] = -torch.inf
        if len(tokens) == 1:
            logits[0, 0, -1, END] = -torch.inf
        if (token := int(logits[0, 0, -1].argmax())) == END:
            break
        tokens.append(token)

    found = search(model, features, beam=1, length_penalty=0.0)

    assert [hypothesis.tokens for hypothesis in found[0]] == [tokens[1:]]


def test_search_of_a_wider_beam_scores_no_worse():
    model, features = decoder(4), photos(4, 16)

    narrow, wide = (search(model, features, beam=beam) for beam in (1, 5))

    assert sum(w[0].score for w in wide) >= sum(n[0].score for n in narrow)


@pytest.mark.parametrize("kind", ["show_attend_and_tell", "show_and_tell", "tutorial"])
def test_search_gives_a_photo_the_same_captions_alone_and_among_others(kind):
    model, features = decoder(5, kind), photos(5, 9)

    together = search(model, features)

    for photo, wanted in enumerate(together):
        alone = search(model, features[photo : photo + 1])[0]
        assert [h.tokens for h in alone] == [h.tokens for h in wanted]
        assert [h.score for h in alone] == pytest.approx([h.score for h in wanted], rel=1e-4)


@pytest.mark.parametrize("seed", [0, 3, 5])
def test_search_gives_log_probabilities_and_attention_of_each_word(seed):
    model, features = decoder(seed), photos(seed, 1)

    found = search(model, features, beam=4)[0]

    assert max(len(hypothesis.tokens) for hypothesis in found) >= 3
    for hypothesis in found:
        with torch.inference_mode():
            logits, attention = model(features, torch.tensor([[[START, *hypothesis.tokens]]]))
        wanted, tokens = logits[0, 0].log_softmax(-1), [*hypothesis.tokens, END]
        assert hypothesis.log_probabilities == pytest.approx(
            [float(wanted[i, token]) for i, token in enumerate(tokens)], rel=1e-4
        )
        assert torch.allclose(hypothesis.attention, attention[0, 0, : len(hypothesis.tokens)], atol=1e-5)


def test_search_gives_captions_best_first_and_each_once():
    found = search(decoder(7), photos(7, 4), beam=5)

    for captions in found:
        scores = [hypothesis.score for hypothesis in captions]
        assert scores == sorted(scores, reverse=True)
        assert len({tuple(hypothesis.tokens) for hypothesis in captions}) == len(captions) == 5


class Steps(NamedTuple):
    """How many steps a scripted model took for how many photos; nothing to select."""

    taken: int
    photos: int

    def select(self, captions: Tensor, /) -> Steps:
        return self

    def keep(self, photos: Tensor, /) -> Steps:
        return Steps(self.taken, len(photos))


class Script:
    """Stands in for an engine: the same log-probabilities (V) at every step."""

    def __init__(self, logs: list[float]) -> None:
        self.logs = torch.tensor(logs)
        self.steps = 0

    def start(self, features: Tensor, /) -> Steps:
        return Steps(0, len(features))

    def step(self, state: Steps, tokens: Tensor, /) -> tuple[Tensor, Tensor, Steps]:
        self.steps += 1
        logs = self.logs.expand(*tokens.shape, -1).clone()
        return logs, torch.full((*tokens.shape, 4), 0.25), Steps(state.taken + 1, state.photos)


@pytest.mark.parametrize("favourite", [PAD, START, UNKNOWN])
def test_search_never_emits_special_tokens(favourite):
    logs = [-9.0] * VOCABULARY
    logs[favourite] = -0.1

    found = beam_search(Script(logs), photos(1, 2), beam=3, max_words=4, length_penalty=0.7)

    assert all(token >= 4 for captions in found for hypothesis in captions for token in hypothesis.tokens)


def test_search_never_says_a_word_twice_running():
    logs = [-9.0] * VOCABULARY
    logs[5] = -0.1

    found = beam_search(Script(logs), photos(1, 1), beam=4, max_words=6, length_penalty=1.0)

    assert all(a != b for hypothesis in found[0] for a, b in itertools.pairwise(hypothesis.tokens))


@pytest.mark.parametrize("beam", [1, 2, 5])
def test_search_never_says_three_words_twice(beam):
    logs = [-9.0] * VOCABULARY
    logs[4], logs[5], logs[END] = -0.1, -0.2, -20.0  # a decoder that would say "4 5 4 5 4 5 ..."

    found = beam_search(Script(logs), photos(1, 2), beam=beam, max_words=12, length_penalty=1.0)

    for hypothesis in itertools.chain(*found):
        assert len(hypothesis.tokens) > 4  # it goes on with another word
        assert not repeats(hypothesis.tokens)


class Looper(Script):
    """Says the next word of 4, 5, 6, 4, 5, 6, ... whatever has been said, and would rather say anything than end."""

    def step(self, state: Steps, tokens: Tensor, /) -> tuple[Tensor, Tensor, Steps]:
        logs, attention, after = super().step(state, tokens)
        logs[:, :, 4 + state.taken % 3] = -0.1
        logs[:, :, END] = -20.0
        return logs, attention, after


def test_search_lets_a_decoder_in_a_loop_out_of_it_where_the_phrase_would_come_again():
    found = beam_search(Looper([-9.0] * VOCABULARY), photos(1, 1), beam=1, max_words=6, length_penalty=0.0)

    assert found[0][0].tokens[:5] == [4, 5, 6, 4, 5]
    assert found[0][0].tokens[5] == 4  # "4 5 6" has been said, "6" is barred, "5" would stand twice running


def test_search_ends_a_caption_that_can_go_on_in_no_way():
    logs = [-1.0, -1.0, -5.0, -1.0, -0.1, -0.1]  # two words: nothing but "4 5 4 5" and its like can be said

    found = beam_search(Script(logs), photos(1, 1), beam=2, max_words=9, length_penalty=1.0)

    assert sorted(hypothesis.tokens for hypothesis in found[0]) == [[4, 5, 4, 5], [5, 4, 5, 4]]
    assert found[0][0].log_probabilities[-1] == pytest.approx(-5.0)


def test_search_keeps_the_log_probabilities_of_the_model_where_it_bars_words():
    found = beam_search(Looper([-9.0] * VOCABULARY), photos(1, 1), beam=1, max_words=6, length_penalty=0.0)

    assert found[0][0].log_probabilities == pytest.approx([-0.1] * 5 + [-9.0, -20.0])


def test_search_never_ends_before_the_first_word():
    logs = [-9.0] * VOCABULARY
    logs[END] = -0.1

    found = beam_search(Script(logs), photos(1, 1), beam=3, max_words=4, length_penalty=0.0)

    assert [len(hypothesis.tokens) for hypothesis in found[0]] == [1, 1, 1]


def test_search_stops_early_when_every_photo_is_done():
    logs = [-9.0] * VOCABULARY
    logs[END] = -0.1
    script = Script(logs)

    beam_search(script, photos(1, 3), beam=2, max_words=50, length_penalty=0.7)

    assert script.steps < 5


def test_search_takes_no_more_steps_for_a_photo_that_is_done(monkeypatch):
    model, features = decoder(5), photos(5, 9)
    step, counts = model.step, []

    def counted(state: DecoderState, tokens: Tensor) -> tuple[Tensor, Tensor, DecoderState]:
        counts.append(len(tokens))
        return step(state, tokens)

    monkeypatch.setattr(model, "step", counted)
    alone = []
    for photo in features:
        counts.clear()
        search(model, photo[None], beam=1, max_words=20)
        alone.append(len(counts))
    counts.clear()
    search(model, features, beam=1, max_words=20)
    assert min(alone) < max(alone)
    assert counts == [sum(steps > taken for steps in alone) for taken in range(max(alone))]


def test_search_cuts_captions_at_max_words():
    logs = [-9.0] * VOCABULARY
    logs[5], logs[6] = -0.1, -0.2

    found = beam_search(Script(logs), photos(1, 1), beam=1, max_words=4, length_penalty=1.0)

    assert found[0][0].tokens == [5, 6] * 2
    assert found[0][0].log_probabilities == pytest.approx([-0.1, -0.2] * 2 + [-9.0])


def test_search_prefers_longer_captions_the_higher_the_length_penalty():
    logs = [-9.0] * VOCABULARY
    logs[5], logs[6], logs[END] = -0.5, -0.5, -1.0

    lengths = [
        len(beam_search(Script(logs), photos(1, 1), beam=3, max_words=4, length_penalty=penalty)[0][0].tokens)
        for penalty in (0.0, 1.0)
    ]

    assert lengths == [1, 4]


def test_search_gives_fewer_captions_where_there_are_fewer():
    logs = [-1.0] * 6  # two words

    found = beam_search(Script(logs), photos(1, 1), beam=5, max_words=1, length_penalty=0.0)

    assert sorted(hypothesis.tokens for hypothesis in found[0]) == [[4], [5]]
