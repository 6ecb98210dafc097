"""What a bundle may and may not hold: an encoder of its own, words that fit, numbers of every size."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from captioner.bundle import MODEL, Bundle, bundle_load, bundle_save, weights_round
from captioner.config import BundleConfig, EncoderConfig, WeightsReference
from captioner.encoders import encoder_config, encoder_create, encoder_preprocessing
from captioner.errors import BundleIncompatible
from captioner.lstm_decoders import TiedDecoder, decoder_create
from captioner.vocabulary import Vocabulary


@pytest.fixture
def loaded(tiny_bundle) -> Bundle:
    """A model that a test may change."""
    return bundle_load(tiny_bundle)


def save(directory: Path, model: Bundle, **changes: object) -> str:
    values = {"decoder": model.decoder, "config": model.config, "vocabulary": model.vocabulary, "metrics": {}}
    return bundle_save(directory, card="", **(values | changes))  # type: ignore[arg-type]


def refer(config: BundleConfig, source: str, name: str) -> BundleConfig:
    return replace(config, encoder=replace(config.encoder, weights=WeightsReference(source, name, "0" * 64)))


@pytest.mark.parametrize(("source", "name"), [("file", "/elsewhere/weights.pth"), ("bundle", MODEL)])
def test_bundle_whose_encoder_nobody_else_has_is_not_saved_without_it(loaded, tmp_path, source, name):
    with pytest.raises(BundleIncompatible, match=f"{name}.*encoder=") as caught:
        save(tmp_path / "made", loaded, config=refer(loaded.config, source, name))

    assert source in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_bundle_of_a_local_encoder_is_saved_with_it_and_loads_without_the_file(loaded, tmp_path):
    save(tmp_path / "made", loaded, encoder=loaded.encoder, config=refer(loaded.config, "file", "/nowhere/weights.pth"))

    assert bundle_load(tmp_path / "made").config.encoder.weights == WeightsReference("bundle", MODEL)


def test_bundle_of_a_library_encoder_loads_without_its_weights_or_a_network(loaded, tmp_path):
    import torchvision

    name = "torchvision/mobilenet_v3_small"
    weights = tmp_path / "weights.pth"
    torch.save(torchvision.models.mobilenet_v3_small(weights=None).state_dict(), weights)
    preprocessing = encoder_preprocessing(name, size=64)
    found = encoder_config(name, weights_file=weights)
    encoder = encoder_create(found, preprocessing=preprocessing)
    decoder = decoder_create(
        loaded.config.decoder, vocabulary_size=len(loaded.vocabulary), feature_channels=found.feature_channels
    )
    config = replace(loaded.config, encoder=found, preprocessing=preprocessing)
    save(tmp_path / "made", loaded, decoder=decoder, encoder=encoder, config=config)
    weights.unlink()
    pixels = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)

    again = bundle_load(tmp_path / "made")

    with torch.inference_mode():
        assert torch.allclose(again.encoder(pixels), encoder(pixels), rtol=0.05, atol=0.05)


def test_bundle_of_words_that_its_decoder_does_not_know_is_not_saved(loaded, tmp_path):
    known = len(loaded.vocabulary)
    longer = Vocabulary((*loaded.vocabulary.words, "zebra"), (*loaded.vocabulary.counts, 1))

    with pytest.raises(BundleIncompatible, match=f"of {known} words, and it lists {known + 1}"):
        save(tmp_path / "made", loaded, vocabulary=longer)


def test_bundle_keeps_numbers_that_half_precision_cannot(loaded, tmp_path):
    assert isinstance(loaded.decoder, TiedDecoder)
    with torch.no_grad():
        loaded.decoder.bias[0] = 1e5

    save(tmp_path / "made", loaded)

    tensors = load_file(tmp_path / "made" / MODEL)
    assert tensors["decoder.bias"].dtype == torch.float32
    assert tensors["decoder.embedding.weight"].dtype == torch.float16
    assert bundle_load(tmp_path / "made").decoder.state_dict()["bias"][0].item() == 1e5


def test_bundle_whose_features_have_other_channels_than_its_encoder_gives_names_both(loaded, tmp_path):
    encoder = loaded.config.encoder
    wrong = replace(loaded.config, encoder=EncoderConfig(encoder.name, encoder.weights, 640))
    save(tmp_path / "made", loaded, config=wrong)

    with pytest.raises(BundleIncompatible, match=r"1280 channels.*640"):
        bundle_load(tmp_path / "made")


def test_weights_rounded_are_those_that_a_bundle_brings_back(loaded, tmp_path):
    with torch.no_grad():
        loaded.decoder.embedding.weight.add_(1e-5)
        loaded.decoder.get_parameter("bias")[0] = 1e6  # more than half precision holds
    save(tmp_path / "bundle", loaded)

    weights_round(loaded.decoder)

    again = bundle_load(tmp_path / "bundle").decoder.state_dict()
    for name, weight in loaded.decoder.state_dict().items():
        assert torch.equal(again[name], weight)
