"""The page of attention maps."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from captioner.bundle import bundle_load
from captioner.errors import PhotoError
from captioner.inference import Captioner
from captioner.lstm_decoders import decoder_create
from captioner.vocabulary import Vocabulary
from tests.bundles import CAPTIONS
from tests.pictures import picture_write
from tests.training.pages.html_reading import Reading
from training.pages.attention_page import attention_page


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    return [picture_write(folder, f"{colour}.png", colour, size=(90, 60), kind="PNG") for colour in CAPTIONS]


@pytest.fixture(scope="module")
def captioner(bundle) -> Captioner:
    return Captioner.load(bundle)


@pytest.fixture(scope="module")
def reading(captioner, photos) -> Reading:
    return Reading(attention_page(captioner, photos))


def test_page_shows_words_of_several_photos_in_each_of_them(reading):
    assert reading.texts["h2"] == ["Word by word", "Photo by photo"]
    assert sorted(reading.texts["h3"]) == ["dog", "plays"]  # all other words are of one photo, or "the"
    assert reading.classed("div", "large") == 2
    lit = [element["aria-label"] for element in reading.attributes["span"] if "aria-label" in element][:4]
    assert sorted(map(str, lit)) == sorted(CAPTIONS[colour] for colour in ("red", "black", "blue", "black"))


def test_page_shows_every_photo_with_each_of_its_words(reading):
    words = [re.sub(r" ×\d+\.\d$", "", text) for text in reading.texts["figcaption"]][4:]

    assert reading.classed("article", "sample") == len(CAPTIONS)
    assert " ".join(words) == " ".join(text.lower().rstrip(".") for text in CAPTIONS.values())
    assert [text for text in CAPTIONS.values() if not any(said.startswith(text) for said in reading.texts["p"])] == []


def test_page_tells_how_sharp_the_maps_are(reading):
    facts = dict(zip(reading.texts["dt"], reading.texts["dd"], strict=True))

    assert (facts["Photos"], facts["Places of a map"]) == ("4", "4")
    sharp = re.fullmatch(r"(\d\.\d) × even", facts["Brightest place, content words"])
    assert sharp is not None
    assert 1 <= float(sharp[1]) <= 4
    assert all(re.search(r"×[1-4]\.\d$", text) for text in reading.texts["figcaption"])


def test_page_needs_nothing_else_and_holds_each_photo_once(reading):
    assert reading.foreign == []
    assert reading.page.count("data:image/jpeg") == len(CAPTIONS)


def test_page_escapes_the_words_of_the_vocabulary(bundle, photos):
    found = bundle_load(bundle)
    words = tuple(f"<b>{word}</b>" if word == "dog" else word for word in found.vocabulary.words)
    evil = Captioner(replace(found, vocabulary=Vocabulary(words, found.vocabulary.counts)))

    reading = Reading(attention_page(evil, photos))

    assert "b" not in reading.attributes
    assert "<b>dog</b>" in reading.texts["h3"]


def test_page_of_a_single_photo_has_no_word_of_several(captioner, photos):
    reading = Reading(attention_page(captioner, photos[:1]))

    assert "h3" not in reading.texts
    assert reading.classed("article", "sample") == 1


def test_page_of_no_photo_says_that_there_is_no_map(captioner):
    assert "there is no map to show" in attention_page(captioner, [])


def test_page_of_a_decoder_without_attention_says_so(bundle, photos):
    found = bundle_load(bundle)
    config = replace(found.config, decoder=replace(found.config.decoder, name="show_and_tell"))
    decoder = decoder_create(
        config.decoder, vocabulary_size=len(found.vocabulary), feature_channels=config.encoder.feature_channels
    )
    plain = Captioner(replace(found, config=config, decoder=decoder.eval()))

    reading = Reading(attention_page(plain, photos))

    assert reading.texts["p"] == ["show_and_tell has no attention: there is no map to show."]
    assert "img" not in reading.attributes


def test_page_of_a_file_that_is_no_photo_is_refused(captioner, tmp_path):
    (tmp_path / "photo.jpg").write_text("no picture")

    with pytest.raises(PhotoError):
        attention_page(captioner, [tmp_path / "photo.jpg"])
