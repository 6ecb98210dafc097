"""Decoders: numbers worked out by hand, and promises that training and search rely on."""

import math

import pytest
import torch

from captioner.config import DecoderConfig
from captioner.decoders import Decoder, DecoderState, ShowAndTell, ShowAttendAndTell, decoder_create

KINDS = ["show_attend_and_tell", "show_and_tell"]


def decoder(kind: str, *, dropout: float = 0.0) -> Decoder:
    torch.manual_seed(1)
    sizes = DecoderConfig(kind, embedding=6, hidden=5, annotation=7, attention=4, dropout=dropout)
    return decoder_create(sizes, vocabulary_size=9, feature_channels=3)


def ones(kind: str) -> Decoder:
    """A decoder of width 1 in which every weight is 1 and every bias 0, normalisation aside."""
    made = decoder_create(
        DecoderConfig(kind, embedding=1, hidden=1, annotation=1, attention=1, dropout=0.0),
        vocabulary_size=5,
        feature_channels=1,
    ).eval()
    for name, parameter in made.named_parameters():
        torch.nn.init.constant_(parameter, 0.0 if name.endswith("bias") else 1.0)
    return made


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def lstm(gates: float, cell: float) -> tuple[float, float]:
    """All four gates of an LSTM get the same sum."""
    cell = sigmoid(gates) * cell + sigmoid(gates) * math.tanh(gates)
    return sigmoid(gates) * math.tanh(cell), cell


def test_show_attend_and_tell_gives_the_numbers_of_the_paper():
    made = ones("show_attend_and_tell")
    assert isinstance(made, ShowAttendAndTell)
    made.annotate = torch.nn.Sequential()  # two places with annotations 0.5 and 1.0
    features = torch.tensor([[[0.5], [1.0]]])

    logits, attention = made(features, torch.tensor([[[1, 2]]]))

    hidden = cell = math.tanh(0.75)
    wanted_logits, wanted_attention = [], []
    for _ in range(2):
        energies = [math.exp(math.tanh(place + hidden)) for place in (0.5, 1.0)]
        weights = [energy / sum(energies) for energy in energies]
        context = sigmoid(hidden) * (weights[0] * 0.5 + weights[1] * 1.0)
        hidden, cell = lstm(1 + context + hidden, cell)
        wanted_logits.append(1 + hidden + context)
        wanted_attention.append(weights)
    assert attention[0, 0].tolist() == [pytest.approx(weights, rel=1e-5) for weights in wanted_attention]
    assert logits[0, 0].tolist() == [pytest.approx([logit] * 5, rel=1e-5) for logit in wanted_logits]


def test_show_and_tell_gives_the_numbers_of_the_paper():
    made = ones("show_and_tell")
    assert isinstance(made, ShowAndTell)
    made.image = torch.nn.Sequential()
    features = torch.tensor([[[0.5], [1.0]]])

    logits, attention = made(features, torch.tensor([[[1, 2]]]))

    hidden, cell = lstm(0.75, 0.0)
    wanted = []
    for _ in range(2):
        hidden, cell = lstm(1 + hidden, cell)
        wanted.append(hidden)
    assert logits[0, 0].tolist() == [pytest.approx([logit] * 5, rel=1e-5) for logit in wanted]
    assert attention.shape == (1, 1, 2, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_decoder_says_step_by_step_what_it_says_at_once(kind):
    made = decoder(kind).eval()
    features, tokens = torch.randn(4, 9, 3), torch.randint(0, 9, (4, 2, 6))

    logits, attention = made(features, tokens)

    state = made.start(features).select(torch.zeros((4, 2), dtype=torch.long))
    for t in range(6):
        logs, weights, state = made.step(state, tokens[:, :, t])
        assert torch.allclose(logs, logits[:, :, t].log_softmax(-1), atol=1e-5)
        assert torch.allclose(weights, attention[:, :, t], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_decoder_gives_a_caption_the_same_logits_beside_any_others(kind):
    made = decoder(kind).eval()
    features, tokens = torch.randn(3, 9, 3), torch.randint(0, 9, (3, 4, 5))

    together, _ = made(features, tokens)
    alone, _ = made(features[1:2], tokens[1:2, 2:3])

    assert torch.allclose(together[1:2, 2:3], alone, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_decoder_cannot_see_the_words_to_come(kind):
    made = decoder(kind).eval()
    features, tokens = torch.randn(1, 9, 3), torch.randint(0, 9, (1, 1, 6))
    other = tokens.clone()
    other[:, :, 3:] = (other[:, :, 3:] + 1) % 9

    before, after = made(features, tokens)[0], made(features, other)[0]

    assert torch.equal(before[:, :, :3], after[:, :, :3])
    assert not torch.equal(before[:, :, 3:], after[:, :, 3:])


@pytest.mark.parametrize("kind", KINDS)
def test_decoder_listens_to_the_photo(kind):
    made, tokens = decoder(kind).eval(), torch.zeros((2, 1, 3), dtype=torch.long)

    logits, _ = made(torch.randn(2, 9, 3), tokens)

    assert not torch.allclose(logits[0], logits[1])


def test_attention_weights_sum_to_one():
    _, attention = decoder("show_attend_and_tell").eval()(torch.randn(2, 9, 3), torch.randint(0, 9, (2, 3, 4)))

    assert attention.shape == (2, 3, 4, 9)
    assert torch.allclose(attention.sum(-1), torch.ones(2, 3, 4))


@pytest.mark.parametrize("kind", KINDS)
def test_decoder_passes_gradients_to_every_parameter(kind):
    made = decoder(kind)

    logits, _ = made(torch.randn(2, 9, 3), torch.randint(0, 9, (2, 3, 4)))
    torch.nn.functional.cross_entropy(logits.flatten(0, 2), torch.randint(0, 9, (24,))).backward()

    assert [name for name, p in made.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("kind", KINDS)
def test_decoder_drops_out_in_training_alone(kind):
    made, features, tokens = decoder(kind, dropout=0.5), torch.randn(1, 9, 3), torch.zeros((1, 1, 3), dtype=torch.long)

    training = [made.train()(features, tokens)[0] for _ in range(2)]
    evaluating = [made.eval()(features, tokens)[0] for _ in range(2)]

    assert not torch.equal(*training)
    assert torch.equal(*evaluating)


@pytest.mark.parametrize("kind", KINDS)
def test_decoder_starts_near_even_odds_for_every_word(kind):
    sizes = DecoderConfig(kind)
    made = decoder_create(sizes, vocabulary_size=500, feature_channels=64).eval()

    logits, _ = made(torch.randn(2, 9, 64), torch.randint(0, 500, (2, 2, 5)))

    # With torch's own start of embeddings the first loss is in the hundreds.
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 2), torch.randint(0, 500, (20,)))
    assert loss.item() < 1.3 * math.log(500)


def test_decoder_state_select_reorders_captions_and_keeps_the_photo():
    hidden = torch.arange(12.0).view(2, 3, 2)
    state = DecoderState((torch.ones(2, 4, 5),), hidden, -hidden)

    chosen = state.select(torch.tensor([[2, 2], [0, 1]]))

    assert chosen.hidden.tolist() == [[[4, 5], [4, 5]], [[6, 7], [8, 9]]]
    assert torch.equal(chosen.cell, -chosen.hidden)
    assert chosen.memory[0] is state.memory[0]
