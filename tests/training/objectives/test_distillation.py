"""Models that teach another one."""

from dataclasses import replace

import pytest
import torch

from captioner.bundle import bundle_load
from captioner.vocabulary import END, PAD, START
from tests.training.tiny_models import Table, encoder_tiny
from training.errors import TrainingError
from training.model.trained_model import TrainedModel
from training.objectives.cross_entropy import caption_loss
from training.objectives.distillation import Teachers, teachers_load

WORD = 4
TOKENS = torch.tensor([[[START, WORD, END], [START, END, PAD]]])
MAPS = torch.zeros(1, 4, 6)
ONE, OTHER = torch.tensor([0.1, 0.1, 0.2, 0.1, 0.5]), torch.tensor([0.1, 0.1, 0.4, 0.1, 0.3])


def teacher(shares: torch.Tensor, *, first: bool = False) -> TrainedModel:
    return TrainedModel(encoder_tiny(), Table(shares, first=first), trained=0)


def load(bundle, **changes: object) -> Teachers:
    found = bundle_load(bundle)
    known = {
        "vocabulary": found.vocabulary,
        "encoder": found.encoder,
        "preprocessing": found.config.preprocessing,
        "trained": 0,
        "device": torch.device("cpu"),
    }
    return teachers_load([bundle], **(known | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("first", [False, True])
def test_teachers_say_on_average_what_comes_after_each_token(first):
    taught = Teachers([teacher(ONE, first=first), teacher(OTHER)]).probabilities(MAPS, TOKENS)

    assert taught.shape == (3, 5)  # after <start>, after the word, after the second <start>; none for padding
    torch.testing.assert_close(taught, ((ONE + OTHER) / 2).expand(3, -1))


def test_teachers_do_not_learn():
    model = teacher(ONE)

    taught = Teachers([model]).probabilities(MAPS, TOKENS)

    assert not taught.requires_grad
    assert not model.decoder.training
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_loss_weighs_what_teachers_say_against_the_captions():
    decoder = Table(OTHER)
    plain = caption_loss(decoder, MAPS, TOKENS)

    loss = caption_loss(decoder, MAPS, TOKENS, taught=ONE.expand(3, -1), teaching=0.25)

    soft = -(ONE * OTHER.log()).sum().item()
    assert loss.nats.item() == pytest.approx(plain.nats.item())
    assert loss.total.item() == pytest.approx(0.75 * plain.nats.item() + 0.25 * soft)


def test_teachers_load_from_bundles_of_the_same_words_and_encoder(bundle):
    found = load(bundle)

    assert len(found.models) == 1
    assert isinstance(found.models[0], TrainedModel)


def test_teachers_of_other_words_are_refused(bundle):
    words = bundle_load(bundle).vocabulary
    more = replace(words, words=(*words.words, "zebra"), counts=(*words.counts, 1))

    with pytest.raises(TrainingError, match=f"knows {len(words)} words, this run {len(more)}.*--threshold"):
        load(bundle, vocabulary=more)


def test_teachers_that_see_photos_of_another_size_are_refused(bundle):
    preprocessing = replace(bundle_load(bundle).config.preprocessing, size=96)

    with pytest.raises(TrainingError, match="does not fit"):
        load(bundle, preprocessing=preprocessing)


def test_teachers_with_another_trunk_are_refused(bundle):
    encoder = bundle_load(bundle).encoder
    torch.nn.init.normal_(next(encoder.parameters()))

    with pytest.raises(TrainingError, match=r"does not fit.*--finetune-stages"):
        load(bundle, encoder=encoder)


def test_teachers_with_another_kind_of_encoder_are_refused(bundle):
    with pytest.raises(TrainingError, match="does not fit"):
        load(bundle, encoder=encoder_tiny())
