"""The parts of a model at the start of a run."""

from dataclasses import replace

import pytest
import torch

from captioner.bundle import bundle_load, bundle_save
from captioner.config import DECODERS, BundleConfig, DecodingDefaults, EncoderConfig, Preprocessing, WeightsReference
from captioner.errors import BundleError
from captioner.vocabulary import SPECIALS
from tests.bundles import CAPTIONS
from tests.training.tiny_models import CHANNELS, DECODER, decoder_tiny
from training.model.initial_model import decoder_extended, model_continue
from training.options.training_options import TrainingOptions

pytestmark = pytest.mark.usefixtures("seeded")

WORDS, LONGER = 8, 11
CONFIG = BundleConfig(
    EncoderConfig("efficientnet_lite0", WeightsReference("bundle", "none"), CHANNELS),
    DECODER,
    Preprocessing(size=64),
    DecodingDefaults(),
)
NEW = ["A zebra runs.", "The zebra and a dog."]


@pytest.mark.parametrize("name", DECODERS)
def test_decoder_extended_says_of_the_words_it_knew_what_it_said_before(name):
    config = replace(CONFIG, decoder=replace(DECODER, name=name))
    learnt = decoder_tiny(words=WORDS, name=name).eval()
    features, tokens = torch.rand(2, 4, CHANNELS), torch.randint(0, WORDS, (2, 3, 5))

    longer = decoder_extended(learnt, config=config, words=LONGER).eval()

    logits, _ = longer(features, tokens)
    assert logits.shape[-1] == LONGER
    torch.testing.assert_close(logits[..., :WORDS], learnt(features, tokens)[0])


def test_decoder_extended_keeps_learnt_embeddings_and_biases():
    learnt = decoder_tiny(words=WORDS)
    torch.nn.init.normal_(learnt.get_parameter("bias"))

    longer = decoder_extended(learnt, config=CONFIG, words=LONGER)

    for name in ("embedding.weight", "bias"):
        assert torch.equal(longer.get_parameter(name)[:WORDS], learnt.get_parameter(name))


def test_decoder_extended_begins_new_words_from_chance():
    longer = decoder_extended(decoder_tiny(words=WORDS), config=CONFIG, words=LONGER)

    new = longer.get_parameter("embedding.weight").detach()[WORDS:]
    assert new.shape[0] == LONGER - WORDS
    assert len(new.unique(dim=0)) == LONGER - WORDS
    assert 0.01 < float(new.std()) < 0.1  # as small as those of a new decoder


def test_decoder_extended_leaves_the_learnt_one_alone():
    learnt = decoder_tiny(words=WORDS)

    longer = decoder_extended(learnt, config=CONFIG, words=WORDS)
    torch.nn.init.zeros_(longer.get_parameter("embedding.weight"))

    assert learnt.get_parameter("embedding.weight").any()


def test_parts_continued_have_the_sizes_of_the_bundle(bundle):
    asked = TrainingOptions(
        encoder="resnet50", decoder="show_and_tell", embedding=7, size=224, resize="crop", dropout=0.3, seed=5
    )

    initial = model_continue(asked, NEW, bundle=bundle)

    found = bundle_load(bundle).config
    assert initial.options.decoder_config() == replace(found.decoder, dropout=0.3)
    options = initial.options
    assert (options.encoder, options.size, options.resize) == ("efficientnet_lite0", 64, "squash")
    assert {layer.p for layer in initial.decoder.modules() if isinstance(layer, torch.nn.Dropout)} == {0.3}
    assert initial.options.seed == 5  # what is of the run stays the run's
    assert (initial.encoder_config, initial.preprocessing) == (found.encoder, found.preprocessing)


def test_parts_continued_add_the_new_words_behind_the_learnt(bundle):
    learnt = bundle_load(bundle)

    initial = model_continue(TrainingOptions(threshold=2), NEW, bundle=bundle)

    assert initial.vocabulary.words == (*learnt.vocabulary.words, "zebra")  # "and" is too rare
    assert torch.equal(
        initial.decoder.get_parameter("embedding.weight")[:-1], learnt.decoder.get_parameter("embedding.weight")
    )
    assert len(initial.decoder.get_parameter("bias")) == len(initial.vocabulary)


def test_parts_continued_on_the_same_words_are_the_bundle(bundle):
    learnt = bundle_load(bundle)

    initial = model_continue(TrainingOptions(threshold=1), list(CAPTIONS.values()), bundle=bundle)

    assert initial.vocabulary.words == learnt.vocabulary.words
    assert initial.vocabulary.words[: len(SPECIALS)] == SPECIALS
    for name, weight in learnt.decoder.state_dict().items():
        assert torch.equal(initial.decoder.state_dict()[name], weight)


def test_parts_continued_begin_with_attention_as_it_was_trained(bundle, tmp_path):
    learnt = bundle_load(bundle)
    key = learnt.decoder.get_parameter("key.weight").clone()
    learnt.decoder.sharpen(2.0)
    options = TrainingOptions(sharpness=2.0).to_dict()
    bundle_save(
        tmp_path / "sharp",
        decoder=learnt.decoder,
        config=learnt.config,
        vocabulary=learnt.vocabulary,
        metrics={"training": {"options": options}},
        card="",
    )

    initial = model_continue(TrainingOptions(), list(CAPTIONS.values()), bundle=tmp_path / "sharp")

    assert torch.equal(initial.decoder.get_parameter("key.weight"), key)


def test_parts_of_a_bundle_that_is_not_there_are_refused(tmp_path):
    with pytest.raises(BundleError, match="none"):
        model_continue(TrainingOptions(), NEW, bundle=tmp_path / "none")
