"""Decoders give the numbers of their papers, worked out here by hand or in numpy."""

import math

import numpy as np
import pytest
import torch

from captioner.config import DecoderConfig
from captioner.lstm_decoders import Decoder, ShowAndTell, ShowAttendAndTell, Tutorial, decoder_create


def ones(kind: str, *, scoring: str = "additive") -> Decoder:
    """A decoder of width 1 in which every weight is 1 and every bias 0, normalisation aside."""
    made = decoder_create(
        DecoderConfig(kind, embedding=1, hidden=1, annotation=1, attention=1, dropout=0.0, scoring=scoring),
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


def test_dot_attention_gives_the_numbers_of_the_paper():
    """Energies are (U a) . (W h + X w) / sqrt(1): the word asks too."""
    made = ones("show_attend_and_tell", scoring="dot")
    assert isinstance(made, ShowAttendAndTell)
    made.annotate = torch.nn.Sequential()
    torch.nn.init.constant_(made.word_query.weight, 2.0)
    torch.nn.init.constant_(made.query.bias, 0.25)
    features = torch.tensor([[[0.5], [1.0]]])

    logits, attention = made(features, torch.tensor([[[1, 2]]]))

    hidden = cell = math.tanh(0.75)
    for step in range(2):
        energies = [math.exp(place * (hidden + 0.25 + 2.0 * 1.0)) for place in (0.5, 1.0)]
        weights = [energy / sum(energies) for energy in energies]
        context = sigmoid(hidden) * (weights[0] * 0.5 + weights[1] * 1.0)
        hidden, cell = lstm(1 + context + hidden, cell)
        assert attention[0, 0, step].tolist() == pytest.approx(weights, rel=1e-5)
        assert logits[0, 0, step].tolist() == pytest.approx([1 + hidden + context] * 5, rel=1e-5)


def drawn(name: str, *, scoring: str = "additive") -> Decoder:
    """A decoder of several channels with random weights, so that no axis can stand for another."""
    torch.manual_seed(4)
    sizes = DecoderConfig(name, embedding=4, hidden=3, annotation=5, attention=2, dropout=0.0, scoring=scoring)
    return decoder_create(sizes, vocabulary_size=7, feature_channels=6).eval()


def numbers(module: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: value.double().numpy() for name, value in module.state_dict().items()}


def softmax(energies: np.ndarray) -> np.ndarray:
    powers = np.exp(energies - energies.max())
    return np.asarray(powers / powers.sum())


@pytest.mark.parametrize("scoring", ["additive", "dot"])
def test_attention_of_many_channels_gives_the_numbers_of_the_paper(scoring):
    made = drawn("show_attend_and_tell", scoring=scoring)
    assert isinstance(made, ShowAttendAndTell)
    own, places = numbers(made), torch.randn(1, 8, 5)
    made.annotate = torch.nn.Sequential()  # the places are the annotations
    token = torch.tensor([[3]])

    state = made.start(places)
    _, attention, _ = made.step(state, token)

    keys = places[0].double().numpy() @ own["key.weight"].T
    query = own["query.weight"] @ state.hidden[0, 0].detach().double().numpy() + own["query.bias"]
    if scoring == "dot":
        query = query + own["word_query.weight"] @ own["embedding.weight"][3]
        wanted = softmax(keys @ query / math.sqrt(2))
    else:
        wanted = softmax(np.tanh(keys + query) @ own["score.weight"][0])
    assert attention[0, 0].tolist() == pytest.approx(wanted.tolist(), rel=1e-4)


def test_tutorial_gives_the_numbers_of_an_lstm_that_sees_the_photo_first():
    made = drawn("tutorial")
    assert isinstance(made, Tutorial)
    own, features, tokens = numbers(made), torch.randn(1, 8, 6), [1, 5, 2]

    logits, _ = made(features, torch.tensor([[tokens]]))

    # The equations of torch.nn.LSTM: input, forget, cell and output gate, in that order.
    image = own["image.weight"] @ features[0].double().numpy().mean(0) + own["image.bias"]
    hidden, cell = np.zeros(3), np.zeros(3)
    for step, given in enumerate([image, *own["embedding.weight"][tokens]]):
        gates = own["lstm.weight_ih_l0"] @ given + own["lstm.bias_ih_l0"]
        gates = gates + own["lstm.weight_hh_l0"] @ hidden + own["lstm.bias_hh_l0"]
        keep_in, forget, candidate, output = gates.reshape(4, 3)
        cell = cell / (1 + np.exp(-forget)) + np.tanh(candidate) / (1 + np.exp(-keep_in))
        hidden = np.tanh(cell) / (1 + np.exp(-output))
        wanted = own["output.weight"] @ hidden + own["output.bias"]
        assert logits[0, 0, step].tolist() == pytest.approx(wanted.tolist(), rel=1e-4, abs=1e-6)
    assert logits.shape[2] == 4


@pytest.mark.parametrize("scoring", ["additive", "dot"])
def test_sharpening_multiplies_the_energies_of_attention(scoring):
    torch.manual_seed(0)
    made = ShowAttendAndTell(
        DecoderConfig(embedding=8, hidden=8, annotation=8, attention=4, scoring=scoring),
        vocabulary_size=5,
        feature_channels=6,
    ).eval()
    features, tokens = torch.rand(2, 4, 6), torch.tensor([[[1]], [[1]]])
    _, before = made(features, tokens)

    made.sharpen(3.0)

    _, after = made(features, tokens)
    torch.testing.assert_close(after, (3.0 * before.log()).softmax(-1))


def test_sharpening_a_decoder_without_attention_changes_nothing():
    made = decoder_create(DecoderConfig("show_and_tell"), vocabulary_size=5, feature_channels=1)
    before = {name: weight.clone() for name, weight in made.state_dict().items()}

    made.sharpen(3.0)

    assert all(torch.equal(weight, before[name]) for name, weight in made.state_dict().items())
