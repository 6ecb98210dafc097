"""The model in training: what of it learns, and what stays."""

import pytest
import torch

from tests.training.tiny_models import decoder_tiny, encoder_tiny, pixels_random
from training.model.trained_model import TrainedModel

pytestmark = pytest.mark.usefixtures("seeded")

TOKENS = torch.tensor([[[1, 4, 5]], [[1, 6, 7]]])
ALL = 3  # stages of the encoder


def model_of(*, trained: int) -> TrainedModel:
    return TrainedModel(encoder_tiny(), decoder_tiny(), trained=trained).train()


def learns(model: TrainedModel) -> set[str]:
    return {name for name, weight in model.encoder.named_parameters() if weight.requires_grad}


@pytest.mark.parametrize("trained", range(ALL + 1))
def test_model_cut_anywhere_gives_what_the_encoder_gives(trained):
    model, pixels = model_of(trained=trained), pixels_random()

    torch.testing.assert_close(model.features(model.trunk(pixels)), model.encoder(pixels))


@pytest.mark.parametrize(
    ("stages", "layers"),
    [(0, set()), (1, {"2.0", "2.1"}), (2, {"2.0", "2.1", "1.1", "1.2"}), (3, {"2.0", "2.1", "1.1", "1.2", "0"})],
)
def test_model_learns_in_its_last_stages_without_depthwise_convolutions(stages, layers):
    model = model_of(trained=ALL)

    model.learn(stages)

    assert learns(model) == {f"body.net.{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}


def test_model_learns_in_convolutions_of_few_groups():
    encoder = encoder_tiny()
    encoder.body.net[1][2] = torch.nn.Conv2d(4, 4, 1, groups=2)  # as in ResNeXt

    model = TrainedModel(encoder, decoder_tiny(), trained=ALL)

    assert "body.net.1.2.weight" in learns(model)


def test_model_learns_no_stage_of_its_trunk():
    model = model_of(trained=1)

    model.learn(ALL)

    assert learns(model) == {f"body.net.2.{layer}.{kind}" for layer in (0, 1) for kind in ("weight", "bias")}


def test_model_unlearns_to_learn_when_fewer_stages_are_asked_for():
    model = model_of(trained=2)

    model.learn(0)

    assert learns(model) == set()
    assert all(weight.requires_grad for weight in model.decoder.parameters())


def test_model_keeps_the_statistics_of_its_normalisation():
    model = model_of(trained=2)
    before = {name: value.clone() for name, value in model.encoder.named_buffers()}

    model.train()
    model.features(model.trunk(pixels_random(photos=8)))

    assert len(before) > 2
    assert all(torch.equal(value, before[name]) for name, value in model.encoder.named_buffers())


def test_model_normalises_alike_in_training_and_out_of_it():
    model, pixels = model_of(trained=2), pixels_random(photos=4)

    training = model.train().features(model.trunk(pixels))

    torch.testing.assert_close(training, model.eval().features(model.trunk(pixels)))


@pytest.mark.parametrize("training", [True, False])
def test_model_drops_out_in_training_alone(training):
    model, features = model_of(trained=0).train(training), torch.rand(2, 4, 6)

    first, second = (model.decoder(features, TOKENS)[0] for _ in range(2))

    assert torch.equal(first, second) is not training


def test_model_puts_encoder_and_decoder_into_evaluation():
    assert not any(module.training for module in model_of(trained=2).eval().modules())


@pytest.mark.parametrize(("trained", "weights"), [(0, 0), (1, 4), (2, 10), (3, 12)])
def test_model_names_all_that_may_learn_whether_it_does_or_not(trained, weights):
    model = model_of(trained=trained)

    model.learn(0)

    assert len(model.encoder_parameters()) == weights


def test_model_holds_each_weight_once():
    model = model_of(trained=2)

    names = list(model.state_dict())
    assert all(name.startswith(("encoder.body.net.", "decoder.")) for name in names)
    assert sum(weight.numel() for weight in model.parameters()) == sum(
        weight.numel() for part in (model.encoder, model.decoder) for weight in part.parameters()
    )


def test_model_gives_gradients_to_what_learns_alone():
    model = model_of(trained=2)
    model.learn(1)

    model.decoder(model.features(model.trunk(pixels_random())), TOKENS)[0].sum().backward()

    moved = {name for name, weight in model.encoder.named_parameters() if weight.grad is not None}
    assert moved == learns(model)
    assert all(weight.grad is not None for weight in model.decoder.parameters())


def test_model_of_more_stages_than_the_encoder_has_is_refused():
    with pytest.raises(ValueError, match="3 stages; 4 of them"):
        model_of(trained=4)
