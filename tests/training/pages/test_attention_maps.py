"""Where a model looked, in a page."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from captioner.attention_figure import attention_veil
from captioner.config import Preprocessing
from captioner.errors import PhotoError
from tests.pictures import picture_write
from tests.training.pages.html_reading import Reading
from training.pages.attention_maps import WIDTH, PagePhoto, attention_panels, map_uri, page_photo, percent

PICTURE = PagePhoto(name="p0", uri="data:image/jpeg;base64,AAAA", aspect=1.5)
SIZE = 64


def decoded(uri: str, *, kind: str) -> Image.Image:
    head, content = uri.split(",", 1)
    assert head == f"data:{kind};base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_map_lies_over_the_photo_as_the_figure_lights_it():
    attention = np.linspace(0, 255, 49).round().astype(np.uint8).reshape(7, 7)

    shown = np.asarray(decoded(map_uri(attention), kind="image/png").convert("RGBA")).astype(int)

    step = (attention.astype(int) + 8) // 17 * 17  # the nearest of sixteen steps
    assert shown.shape == (7, 7, 4)
    np.testing.assert_array_equal(shown, attention_veil(step.astype(np.uint8)))


def test_map_hides_more_of_the_photo_where_the_model_did_not_look():
    opacity = np.asarray(decoded(map_uri(np.array([[0, 255]], dtype=np.uint8)), kind="image/png").convert("RGBA"))[
        0, :, 3
    ]

    assert opacity[0] > opacity[1]


def test_map_is_small():
    attention = np.random.default_rng(0).integers(0, 256, (7, 7), dtype=np.uint8)

    assert len(map_uri(attention)) < 400


def test_view_shows_the_photo_by_its_style_and_says_what_it_is():
    reading = Reading(PICTURE.html(label='a "dog" <b>'))

    assert reading.attributes["span"] == [{"class": "view p0", "role": "img", "aria-label": 'a "dog" <b>'}]
    assert "img" not in reading.attributes
    assert PICTURE.style.startswith(".p0{aspect-ratio:1.5000;background-image:url(data:image/jpeg;base64,AAAA)}")


def test_view_lit_by_a_map_has_it_above_the_photo():
    attention = np.eye(4, dtype=np.uint8) * 255

    reading = Reading(PICTURE.html(label="dog", attention=attention))

    assert [element["src"] for element in reading.attributes["img"]] == [map_uri(attention)]


@pytest.mark.parametrize(
    ("resize", "aspect"), [("squash", 2.0), ("crop", 1.0), ("pad", 1.0)], ids=["squash", "crop", "pad"]
)
def test_picture_of_a_photo_is_what_the_model_sees_in_its_own_shape(tmp_path, resize, aspect):
    path = picture_write(tmp_path, "photo.jpg", (200, 30, 60), size=(200, 100))

    picture = page_photo(path, name="p3", preprocessing=Preprocessing(size=SIZE, resize=resize))

    shown = decoded(picture.uri, kind="image/jpeg")
    assert (picture.name, picture.aspect) == ("p3", aspect)
    assert shown.size == (WIDTH, WIDTH / aspect)
    np.testing.assert_allclose(np.asarray(shown)[shown.size[1] // 2, WIDTH // 2], (200, 30, 60), atol=6)


def test_picture_of_a_file_that_is_no_photo_is_told(tmp_path):
    (tmp_path / "photo.jpg").write_text("no picture")

    with pytest.raises(PhotoError):
        page_photo(tmp_path / "photo.jpg", name="p0", preprocessing=Preprocessing(size=SIZE))


def test_panels_are_one_for_each_word():
    maps = np.stack([np.eye(4, dtype=np.uint8) * 255, np.full((4, 4), 255, dtype=np.uint8)])

    reading = Reading(attention_panels(PICTURE, ["a", "dog"], ["12%", "99%"], maps))

    assert reading.texts["figcaption"] == ["a 12%", "dog 99%"]
    assert [element["src"] for element in reading.attributes["img"]] == [map_uri(attention) for attention in maps]
    assert reading.attributes["span"][1]["aria-label"] == "where it looked for 'dog'"


def test_panels_escape_words_and_notes():
    reading = Reading(attention_panels(PICTURE, ['<b title="x">'], ["<i>"], np.zeros((1, 4, 4), dtype=np.uint8)))

    assert not reading.attributes.keys() & {"b", "i"}
    assert reading.texts["figcaption"] == ['<b title="x"> <i>']


def test_panels_of_no_word_are_empty():
    assert Reading(attention_panels(PICTURE, [], [], np.zeros((0, 4, 4), dtype=np.uint8))).texts["div"] == [""]


def test_panels_with_another_number_of_maps_than_words_are_refused():
    with pytest.raises(ValueError, match="zip"):
        attention_panels(PICTURE, ["a", "dog"], ["", ""], np.zeros((1, 4, 4), dtype=np.uint8))


@pytest.mark.parametrize(("probability", "text"), [(0.0, "0%"), (0.126, "13%"), (1.0, "100%")])
def test_percent_is_whole(probability, text):
    assert percent(probability) == text
