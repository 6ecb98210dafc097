"""Small model bundles: a real encoder that sees 64 pixels, and a decoder that knows four photos by heart."""

from collections.abc import Mapping
from pathlib import Path

import pytest

CAPTIONS = {  # colour of the whole photo -> what the bundles say of it
    "red": "A dog runs on the grass.",
    "blue": "A man plays with the ball.",
    "white": "A child on the street.",
    "black": "The dog plays.",
}
STEPS = 80


def bundle_make(
    directory: Path,
    *,
    decoder: str = "show_attend_and_tell",
    seed: int = 0,
    captions: Mapping[str, str] = CAPTIONS,
) -> Path:
    """A bundle that knows `captions`. Another seed, other weights and another version. Takes about a second."""
    import numpy as np
    import torch
    from PIL import Image

    from captioner.bundle import bundle_save
    from captioner.config import BundleConfig, DecoderConfig, DecodingDefaults
    from captioner.encoders import encoder_config, encoder_create, encoder_preprocessing
    from captioner.lstm_decoders import decoder_create
    from captioner.vocabulary import END, SPECIALS, START, Vocabulary, caption_tokens

    config = BundleConfig(
        encoder=encoder_config("efficientnet_lite0"),
        decoder=DecoderConfig(name=decoder, embedding=32, hidden=32, annotation=32, attention=16, dropout=0.0),
        preprocessing=encoder_preprocessing("efficientnet_lite0", size=64),
        decoding=DecodingDefaults(beam=3, max_words=8),
    )
    texts = [caption_tokens(text) for text in captions.values()]
    words = tuple(sorted({word for text in texts for word in text}))
    vocabulary = Vocabulary((*SPECIALS, *words), (0,) * (len(SPECIALS) + len(words)))
    tokens = torch.full((len(texts), 1, 1 + max(map(len, texts)) + 1), END)
    for row, text in enumerate(texts):
        tokens[row, 0, : 1 + len(text)] = torch.tensor([START, *vocabulary.encode(text)])
    squares = [np.asarray(Image.new("RGB", (64, 64), colour)) for colour in captions]
    torch.set_num_threads(1)  # on layers as small as these, threads only wait for each other
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = decoder_create(
            config.decoder, vocabulary_size=len(vocabulary), feature_channels=config.encoder.feature_channels
        )
        with torch.no_grad():
            encoder = encoder_create(config.encoder, preprocessing=config.preprocessing)
            features = encoder(torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        for _ in range(STEPS):
            logits, _ = model(features, tokens[:, :, :-1])
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 2), tokens[:, :, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    bundle_save(
        directory,
        decoder=model,
        config=config,
        vocabulary=vocabulary,
        metrics={"cider": 0.0},
        card="# A bundle for tests\n\nIt knows four colours.\n",
    )
    return directory


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A show_attend_and_tell bundle that knows CAPTIONS. Never change it: it is everybody's."""
    return bundle_make(tmp_path_factory.mktemp("bundles") / "attend")


@pytest.fixture(scope="session")
def tiny_bundle(bundle: Path) -> Path:
    """The same bundle, for tests in which other bundles are about."""
    return bundle
