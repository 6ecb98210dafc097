"""What a step of each stage makes smaller."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from captioner.vocabulary import END, PAD, SPECIALS, START, Vocabulary
from tests.training.tiny_models import Table, decoder_tiny, encoder_tiny, pixels_random
from training.batches.training_set import Batch
from training.data.dataset import CaptionedPhoto
from training.model.trained_model import TrainedModel
from training.objectives.cross_entropy import caption_loss
from training.objectives.objective import Objective, objective_of
from training.objectives.self_critical import SelfCritic, captions_sample, self_critical_loss
from training.options.stage_plan import DECODER, ENCODER, SELF_CRITICAL, Stage
from training.options.training_options import TrainingOptions

pytestmark = pytest.mark.usefixtures("seeded")

DOG, RUNS, BOAT, SAILS = range(4, 8)
VOCABULARY = Vocabulary((*SPECIALS, "dog", "runs", "boat", "sails"), (0,) * 8)
PHOTOS = [
    CaptionedPhoto(1, Path("1.png"), ("A dog runs.", "Dog runs")),
    CaptionedPhoto(2, Path("2.png"), ("Boat sails.",)),
]
OPTIONS = TrainingOptions(scst_samples=4, max_words=5)
TOKENS = torch.tensor([[[START, DOG, RUNS, END], [START, DOG, END, PAD]], [[START, BOAT, SAILS, END], [PAD] * 4]])
SHARES = torch.tensor([0.1, 0.1, 0.2, 0.1, 0.2, 0.1, 0.1, 0.1])


def objective(stage: str, **changes: object) -> Objective:
    return objective_of(
        Stage(stage, 1, 1e-3, 0.0, 0, 1),
        options=replace(OPTIONS, **changes),  # type: ignore[arg-type]
        photos=PHOTOS,
        vocabulary=VOCABULARY,
    )


def model_of(decoder: Table) -> TrainedModel:
    """With an encoder that is all trunk: `maps` are the features."""
    return TrainedModel(encoder_tiny(), decoder, trained=0).train()


@pytest.fixture
def batch() -> Batch:
    return Batch([1, 2], torch.zeros(2, 4, 6), TOKENS)


@pytest.fixture
def model() -> TrainedModel:
    return model_of(Table(SHARES))


@pytest.mark.parametrize("stage", [DECODER, ENCODER])
def test_objective_of_the_first_stages_is_cross_entropy_as_the_options_say(stage, model, batch):
    loss = objective(stage, label_smoothing=0.3)(model, batch)

    expected = caption_loss(model.decoder, batch.maps, TOKENS, smoothing=0.3)
    assert loss.total.item() == pytest.approx(expected.total.item())
    assert loss.total.item() != pytest.approx(caption_loss(model.decoder, batch.maps, TOKENS).total.item())


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_objective_self_critical_mixes_reward_and_cross_entropy(share, model, batch):
    torch.manual_seed(3)
    loss = objective(SELF_CRITICAL, scst_share=share)(model, batch)
    torch.manual_seed(3)
    drawn = captions_sample(model.decoder, batch.maps, samples=4, max_words=5)

    critic = SelfCritic({1: [[3, DOG, RUNS], [DOG, RUNS]], 2: [[BOAT, SAILS]]})  # "a" is not known: <unk>
    reinforced = self_critical_loss(model.decoder, batch.maps, drawn, critic.rewards([1, 2], drawn)).item()
    supervised = caption_loss(model.decoder, batch.maps, TOKENS, smoothing=OPTIONS.label_smoothing)
    assert reinforced != 0
    assert loss.total.item() == pytest.approx(share * reinforced + (1 - share) * supervised.total.item())
    assert loss.nats.item() == pytest.approx(supervised.nats.item())


def test_objective_self_critical_of_captions_all_alike_is_cross_entropy_alone(batch):
    shares = torch.full((8, 8), 1e-12)
    for before, after in ((START, DOG), (DOG, RUNS), (RUNS, END)):
        shares[before, after] = 1
    model = model_of(Table(shares))

    loss = objective(SELF_CRITICAL, scst_share=0.75)(model, batch)

    expected = caption_loss(model.decoder, batch.maps, TOKENS, smoothing=OPTIONS.label_smoothing)
    assert loss.total.item() == pytest.approx(0.25 * expected.total.item())


def test_objective_self_critical_draws_without_dropout_and_goes_on_with_it(batch):
    decoder = Table(SHARES)

    objective(SELF_CRITICAL)(model_of(decoder), batch)

    assert decoder.modes
    assert not any(decoder.modes)
    assert decoder.dropout.training


def test_objective_self_critical_teaches_the_encoder_too():
    model = TrainedModel(encoder_tiny(), decoder_tiny(dropout=0.0), trained=1).train()
    maps = model.trunk(pixels_random())

    objective(SELF_CRITICAL, scst_share=1.0)(model, Batch([1, 2], maps, TOKENS)).total.backward()

    assert any(weight.grad is not None and bool(weight.grad.any()) for weight in model.encoder_parameters())


def test_batch_counts_captions_and_no_padding(batch):
    assert batch.captions == 3
