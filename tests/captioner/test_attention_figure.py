"""The attention figure."""

import numpy as np
import pytest
from PIL import Image

from captioner.attention_figure import (
    COLUMNS,
    PHOTOS_MAX,
    CaptionedPhoto,
    attention_figure,
    attention_figure_save,
    attention_light,
    attention_veil,
    photo_aspect,
)
from captioner.config import Preprocessing
from captioner.inference import CaptionResult, Word


def _captioned(text: str, *, title: str = "photo.jpg", aspect: float = 1.5) -> CaptionedPhoto:
    words = tuple(Word(word, -0.5) for word in text.split())
    attention = np.zeros((len(words), 7, 7), dtype=np.uint8)
    attention[:, 2, 3] = 255
    pixels = np.full((64, 64, 3), 100, dtype=np.uint8)
    result = CaptionResult(text=text, words=words, confidence=0.5, alternatives=(), attention=attention)
    return CaptionedPhoto(title=title, pixels=pixels, aspect=aspect, result=result)


def _titles(figure) -> list[str]:
    return [axes.get_title() for part in figure.subfigs for axes in part.axes if axes.get_images()]


def test_figure_has_the_photo_and_one_panel_per_word():
    figure = attention_figure([_captioned("a dog runs")])

    assert _titles(figure) == ["", "a  0.61", "dog  0.61", "runs  0.61"]


def test_figure_goes_on_in_the_next_row_for_a_long_caption():
    long = " ".join(["word"] * 20)

    figure = attention_figure([_captioned(long)])

    assert len(_titles(figure)) == 21
    assert len(figure.subfigs[0].axes) == 4 * COLUMNS


def test_figure_gives_each_photo_its_own_rows_and_title():
    figure = attention_figure(
        [_captioned("a dog", title="one.jpg: a dog"), _captioned("a cat", title="two.jpg: a cat")]
    )

    assert [part.get_suptitle() for part in figure.subfigs] == ["one.jpg: a dog", "two.jpg: a cat"]


def test_figure_is_as_high_as_the_photo():
    wide, tall = (
        attention_figure([_captioned("a dog", aspect=2.0)]),
        attention_figure([_captioned("a dog", aspect=0.8)]),
    )

    assert tall.get_figheight() > wide.get_figheight()
    assert tall.get_figwidth() == wide.get_figwidth()


def test_figure_panel_shows_where_the_map_is_high():
    attention = np.zeros((7, 7), dtype=np.uint8)
    attention[0, 0] = 255

    lit = attention_light(np.full((70, 70, 3), 100, dtype=np.uint8), attention)

    assert lit.dtype == np.uint8
    assert lit.shape == (70, 70, 3)
    assert lit[3, 3].mean() > 100
    assert lit[60, 60].mean() < 30


def test_veil_laid_over_a_photo_lights_it_alike():
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (7, 7, 3), dtype=np.uint8)
    attention = generator.integers(0, 256, (7, 7), dtype=np.uint8)

    veil = Image.fromarray(attention_veil(attention), mode="RGBA")
    laid = np.asarray(Image.alpha_composite(Image.fromarray(pixels).convert("RGBA"), veil).convert("RGB"))

    assert np.abs(laid.astype(int) - attention_light(pixels, attention)).max() <= 2


def test_figure_panel_of_an_even_map_is_evenly_lit():
    lit = attention_light(np.full((70, 70, 3), 100, dtype=np.uint8), np.full((7, 7), 255, dtype=np.uint8))

    assert (lit == lit[0, 0]).all()


@pytest.mark.parametrize("count", [0, PHOTOS_MAX + 1])
def test_figure_refuses_no_photo_and_too_many(count):
    with pytest.raises(ValueError, match=rf"1 to {PHOTOS_MAX} photos, not {count}"):
        attention_figure([_captioned("a")] * count)


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")])
def test_figure_is_written_in_the_format_of_its_suffix(tmp_path, suffix, magic):
    path = tmp_path / f"figure{suffix}"

    attention_figure_save([_captioned("a dog")], path)

    assert path.read_bytes().startswith(magic)


@pytest.mark.parametrize("title", ["日本.jpg: a dog", "$cost$.jpg: a $dog", "a\nb.jpg"])
def test_figure_takes_any_title(tmp_path, title):
    attention_figure_save([_captioned("a $1 dog", title=title)], tmp_path / "figure.png")

    assert (tmp_path / "figure.png").exists()


@pytest.mark.parametrize(("orientation", "aspect"), [(1, 3.0), (3, 3.0), (6, 1 / 3), (8, 1 / 3)])
def test_photo_aspect_is_that_of_the_upright_photo(tmp_path, orientation, aspect):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (90, 30)).save(tmp_path / "a.jpg", exif=exif)

    assert photo_aspect(tmp_path / "a.jpg", preprocessing=Preprocessing(resize="squash")) == pytest.approx(aspect)


@pytest.mark.parametrize("resize", ["crop", "pad"])
def test_photo_aspect_of_what_the_model_saw_undistorted_is_square(tmp_path, resize):
    Image.new("RGB", (90, 30)).save(tmp_path / "a.png")

    assert photo_aspect(tmp_path / "a.png", preprocessing=Preprocessing(resize=resize)) == 1.0
