"""Photos to captions through a whole bundle."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from captioner.bundle import bundle_validate
from captioner.engines import PyTorchEngine
from captioner.errors import BundleIncompatible, BundleMissing, CaptionImpossible
from captioner.inference import Captioner, CaptionResult
from captioner.preprocessing import photo_pixels
from tests.bundles import CAPTIONS, bundle_make
from tests.captioner.photo_files import encoded


@pytest.fixture(scope="module")
def captioner(tiny_bundle) -> Captioner:
    return Captioner.load(tiny_bundle)


@pytest.fixture(scope="module")
def squares(captioner) -> list[np.ndarray]:
    """One photo for each caption that the bundle knows, and noise."""
    photos = [encoded(Image.new("RGB", (80, 60), colour), "PNG") for colour in CAPTIONS]
    pixels = [photo_pixels(photo, preprocessing=captioner.preprocessing) for photo in photos]
    return [*pixels, np.random.default_rng(1).integers(0, 255, pixels[0].shape, dtype=np.uint8)]


def test_captioner_says_of_each_photo_what_it_learnt(captioner, squares):
    results = captioner.caption_batch(squares[: len(CAPTIONS)])

    assert [result.text for result in results] == list(CAPTIONS.values())


def test_captioner_tells_what_it_is(captioner, tiny_bundle):
    assert captioner.version == bundle_validate(tiny_bundle)
    assert captioner.preprocessing.size == 64
    assert captioner.vocabulary.words[0] == "<pad>"
    assert captioner.device == torch.device("cpu")


@pytest.mark.parametrize("decoder", ["show_attend_and_tell", "show_and_tell"])
def test_captioner_says_of_a_photo_alone_what_it_says_among_others(decoder, squares, tmp_path):
    captioner = Captioner.load(bundle_make(tmp_path / "bundle", decoder=decoder))

    together = captioner.caption_batch(squares)
    alone = [captioner.caption_batch([square])[0] for square in squares]

    assert [result.text for result in together] == [result.text for result in alone]
    assert [result.confidence for result in together] == pytest.approx([r.confidence for r in alone], rel=1e-3)


def test_caption_words_are_the_caption_with_a_log_probability_each(captioner, squares):
    result = captioner.caption_batch(squares[:1])[0]

    assert " ".join(word.text for word in result.words).capitalize() + "." == result.text
    assert all(word.log_probability <= 0 for word in result.words)


def test_caption_confidence_is_the_geometric_mean_over_words_and_end(captioner, squares):
    result: CaptionResult = captioner.caption_batch(squares[-1:], beam=1)[0]
    features = captioner.encoder(torch.from_numpy(squares[-1]).permute(2, 0, 1)[None])
    ids = [1, *captioner.vocabulary.encode(word.text for word in result.words), 2]

    logits, _ = captioner.decoder(features, torch.tensor([[ids[:-1]]]))

    logs = logits[0, 0].log_softmax(-1).gather(1, torch.tensor(ids[1:])[:, None])
    assert result.confidence == pytest.approx(math.exp(logs.mean().item()), rel=1e-4)
    assert 0 < result.confidence <= 1


def test_caption_alternatives_are_other_captions_best_first(captioner, squares):
    result = captioner.caption_batch(squares[:1], beam=5)[0]

    texts = [other.text for other in result.alternatives]
    assert 1 <= len(texts) == len({*texts, result.text}) - 1
    assert all(0 < other.confidence <= 1 for other in result.alternatives)


def test_caption_of_beam_one_has_no_alternatives(captioner, squares):
    assert captioner.caption_batch(squares[:1], beam=1)[0].alternatives == ()


def test_caption_attention_is_one_map_per_word_up_to_its_own_maximum(captioner, squares):
    for result in captioner.caption_batch(squares):
        assert result.attention.shape == (len(result.words), 2, 2)
        assert result.attention.dtype == np.uint8
        assert (result.attention.max(axis=(1, 2)) == 255).all()


def test_caption_attention_is_empty_where_the_decoder_has_none(squares, tmp_path):
    captioner = Captioner.load(bundle_make(tmp_path / "bundle", decoder="show_and_tell"))

    result = captioner.caption_batch(squares[:1])[0]

    assert result.attention.shape == (len(result.words), 0, 0)


def test_captioner_cuts_at_max_words(captioner, squares):
    results = captioner.caption_batch(squares, max_words=2)

    assert all(len(result.words) <= 2 for result in results)


def test_captioner_of_no_photos_says_nothing(captioner):
    assert captioner.caption_batch([]) == []


@pytest.mark.parametrize(
    "image", [np.zeros((32, 32, 3), np.uint8), np.zeros((64, 64, 3), np.float32), np.zeros((3, 64, 64), np.uint8)]
)
def test_captioner_refuses_pixels_of_another_form(captioner, image):
    with pytest.raises(ValueError, match=r"must be uint8 \(64, 64, 3\)"):
        captioner.caption_batch([image])


def test_captioner_without_a_bundle_says_so(tmp_path):
    with pytest.raises(BundleMissing, match="no model bundle"):
        Captioner.load(tmp_path / "none")


class Wide(torch.nn.Module):
    """Six places, 2 x 3, of which no square map can be made."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.zeros((len(pixels), 6, 1280))


def test_captioner_refuses_a_grid_that_is_no_square(tiny_bundle, squares):
    captioner = Captioner.load(tiny_bundle)
    captioner.engine = PyTorchEngine(Wide(), captioner.decoder)

    with pytest.raises(BundleIncompatible, match="6 places"):
        captioner.caption_batch(squares[:1])


def test_captioner_whose_weights_are_no_numbers_says_so(squares, tmp_path):
    captioner = Captioner.load(bundle_make(tmp_path / "bundle", decoder="show_attend_and_tell"))
    torch.nn.init.constant_(captioner.decoder.embedding.weight, math.nan)

    with pytest.raises(CaptionImpossible, match="not finite for this photo"):
        captioner.caption_batch(squares[:1])
