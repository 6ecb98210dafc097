"""Decoders: promises that training and search rely on. What numbers they give: test_lstm_decoder_numbers.py."""

import math

import pytest
import torch

from captioner.config import DecoderConfig
from captioner.lstm_decoders import Decoder, DecoderState, TiedDecoder, decoder_create

KINDS = ["show_attend_and_tell", "dot", "show_and_tell", "tutorial"]


def decoder(kind: str, *, dropout: float = 0.0) -> Decoder:
    """`kind`: a decoder's name, or "dot" for show_attend_and_tell with that scoring."""
    torch.manual_seed(1)
    name, scoring = ("show_attend_and_tell", "dot") if kind == "dot" else (kind, "additive")
    sizes = DecoderConfig(name, embedding=6, hidden=5, annotation=7, attention=4, dropout=dropout, scoring=scoring)
    return decoder_create(sizes, vocabulary_size=9, feature_channels=3)


@pytest.mark.parametrize("kind", KINDS)
def test_decoder_says_step_by_step_what_it_says_at_once(kind):
    made = decoder(kind).eval()
    features, tokens = torch.randn(4, 9, 3), torch.randint(0, 9, (4, 2, 6))

    logits, attention = (given[:, :, -6:] for given in made(features, tokens))

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

    before, after = (made(features, said)[0][:, :, -6:] for said in (tokens, other))

    assert torch.equal(before[:, :, :3], after[:, :, :3])
    assert not torch.equal(before[:, :, 3:], after[:, :, 3:])


@pytest.mark.parametrize("kind", KINDS)
def test_decoder_listens_to_the_photo(kind):
    made, tokens = decoder(kind).eval(), torch.zeros((2, 1, 3), dtype=torch.long)

    logits, _ = made(torch.randn(2, 9, 3), tokens)

    assert not torch.allclose(logits[0], logits[1])


@pytest.mark.parametrize("kind", ["show_attend_and_tell", "dot"])
def test_attention_weights_sum_to_one(kind):
    _, attention = decoder(kind).eval()(torch.randn(2, 9, 3), torch.randint(0, 9, (2, 3, 4)))

    assert attention.shape == (2, 3, 4, 9)
    assert torch.allclose(attention.sum(-1), torch.ones(2, 3, 4))


@pytest.mark.parametrize("kind", KINDS)
def test_decoder_passes_gradients_to_every_parameter(kind):
    made = decoder(kind)

    logits, _ = made(torch.randn(2, 9, 3), torch.randint(0, 9, (2, 3, 4)))
    torch.nn.functional.cross_entropy(logits.flatten(0, 2), torch.randint(0, 9, logits.shape[:3]).flatten()).backward()

    assert [name for name, p in made.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("kind", ["show_attend_and_tell", "dot", "show_and_tell"])
def test_decoder_drops_out_in_training_alone(kind):
    made, features, tokens = decoder(kind, dropout=0.5), torch.randn(1, 9, 3), torch.zeros((1, 1, 3), dtype=torch.long)

    training = [made.train()(features, tokens)[0] for _ in range(2)]
    evaluating = [made.eval()(features, tokens)[0] for _ in range(2)]

    assert not torch.equal(*training)
    assert torch.equal(*evaluating)


def test_decoder_of_the_tutorial_drops_nothing():
    made, features, tokens = (
        decoder("tutorial", dropout=0.5).train(),
        torch.randn(1, 9, 3),
        torch.zeros((1, 1, 3)).long(),
    )

    assert torch.equal(made(features, tokens)[0], made(features, tokens)[0])


def test_decoder_of_the_tutorial_predicts_start_first():
    made, features = decoder("tutorial").eval(), torch.randn(2, 9, 3)

    logits, attention = made(features, torch.tensor([[[1, 5]], [[3, 8]]]))
    others, _ = made(features, torch.tensor([[[4, 4]], [[4, 4]]]))

    assert logits.shape == (2, 1, 3, 9)
    assert attention.shape == (2, 1, 3, 0)
    assert torch.equal(logits[:, :, 0], others[:, :, 0])  # of no token yet


@pytest.mark.parametrize("kind", KINDS)
def test_decoder_starts_near_even_odds_for_every_word(kind):
    name, scoring = ("show_attend_and_tell", "dot") if kind == "dot" else (kind, "additive")
    made = decoder_create(DecoderConfig(name, scoring=scoring), vocabulary_size=500, feature_channels=64).eval()

    logits, _ = made(torch.randn(2, 9, 64), torch.randint(0, 500, (2, 2, 5)))

    # With torch's own start of embeddings the first loss of a tied decoder is in the hundreds.
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 2), torch.randint(0, 500, logits.shape[:3]).flatten())
    assert loss.item() < 1.3 * math.log(500)


class Recorded(torch.nn.Module):
    """Stands where a decoder drops out, does it, and keeps what it gave."""

    def __init__(self, dropout: torch.nn.Dropout) -> None:
        super().__init__()
        self.inner, self.given = dropout, list[torch.Tensor]()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.given.append(self.inner(inputs))
        return self.given[-1]


@pytest.mark.parametrize("kind", ["show_attend_and_tell", "dot", "show_and_tell"])
def test_decoder_drops_the_same_of_every_step_of_a_caption(kind):
    made = decoder(kind, dropout=0.5)
    assert isinstance(made, TiedDecoder)
    vectors = torch.ones(3, 2, 7, 6)

    dropped = made._dropout_locked(vectors)

    assert torch.equal(dropped, dropped[:, :, :1].expand_as(dropped))
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert len({tuple(mask) for mask in dropped[:, :, 0].flatten(0, 1).tolist()}) > 1  # a caption's own


@pytest.mark.parametrize("kind", ["show_attend_and_tell", "dot", "show_and_tell"])
def test_decoder_draws_one_mask_for_its_words_and_one_for_its_hidden_states(kind):
    made = decoder(kind, dropout=0.5)
    assert isinstance(made, TiedDecoder)
    made.dropout = recorded = Recorded(made.dropout)  # type: ignore[assignment]

    made(torch.randn(3, 9, 3), torch.zeros((3, 2, 7), dtype=torch.long))

    shapes = [tuple(given.shape) for given in recorded.given]
    assert shapes[1:] == [(3, 2, 1, 6), (3, 2, 1, 5)]  # the first is of the photo


@pytest.mark.parametrize("kind", ["show_attend_and_tell", "dot", "show_and_tell"])
def test_decoder_drops_nothing_in_evaluation(kind):
    made = decoder(kind, dropout=0.5).eval()
    assert isinstance(made, TiedDecoder)
    vectors = torch.randn(3, 2, 7, 6)

    assert torch.equal(made._dropout_locked(vectors), vectors)


def test_decoder_state_keep_leaves_out_the_other_photos():
    hidden = torch.arange(12.0).view(3, 2, 2)
    state = DecoderState((torch.arange(3.0).view(3, 1, 1),), hidden, -hidden)

    kept = state.keep(torch.tensor([0, 2]))

    assert kept.memory[0].flatten().tolist() == [0, 2]
    assert torch.equal(kept.hidden, hidden[[0, 2]])
    assert torch.equal(kept.cell, -hidden[[0, 2]])


def test_decoder_state_select_reorders_captions_and_keeps_the_photo():
    hidden = torch.arange(12.0).view(2, 3, 2)
    state = DecoderState((torch.ones(2, 4, 5),), hidden, -hidden)

    chosen = state.select(torch.tensor([[2, 2], [0, 1]]))

    assert chosen.hidden.tolist() == [[[4, 5], [4, 5]], [[6, 7], [8, 9]]]
    assert torch.equal(chosen.cell, -chosen.hidden)
    assert chosen.memory[0] is state.memory[0]
