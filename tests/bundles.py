"""Small model bundles: a real encoder, a decoder of random weights, photos seen at 64 pixels."""

from pathlib import Path

import pytest

WORDS = ("a", "the", "dog", "man", "child", "grass", "street", "ball", "runs", "plays", "on", "with")


def bundle_make(directory: Path, *, decoder: str = "show_attend_and_tell", seed: int = 0) -> Path:
    """A bundle that captions at once, in WORDS. Another seed, other weights and another version."""
    import torch

    from captioner.bundle import bundle_save
    from captioner.config import BundleConfig, DecoderConfig, DecodingDefaults
    from captioner.decoders import decoder_create
    from captioner.encoders import encoder_config, encoder_preprocessing
    from captioner.vocabulary import SPECIALS, Vocabulary

    config = BundleConfig(
        encoder=encoder_config("efficientnet_lite0"),
        decoder=DecoderConfig(name=decoder, embedding=16, hidden=16, annotation=16, attention=16),
        preprocessing=encoder_preprocessing("efficientnet_lite0", size=64),
        decoding=DecodingDefaults(beam=3, max_words=8),
    )
    words = (*SPECIALS, *WORDS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = decoder_create(
            config.decoder, vocabulary_size=len(words), feature_channels=config.encoder.feature_channels
        )
        with torch.no_grad():
            model.embedding.weight.mul_(40)  # as trained weights do, tell photos apart and end in time
    bundle_save(
        directory,
        decoder=model,
        config=config,
        vocabulary=Vocabulary(words, (0,) * len(words)),
        metrics={"gate": {"photos": 200, "beam": 3, "cider": 0.0}},
        card="# A bundle for tests\n\nRandom weights.\n",
    )
    return directory


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A show_attend_and_tell bundle. Never change it: it is everybody's."""
    return bundle_make(tmp_path_factory.mktemp("bundles") / "attend")


@pytest.fixture(scope="session")
def tiny_bundle(bundle: Path) -> Path:
    """The same bundle, for tests in which other bundles are about."""
    return bundle
