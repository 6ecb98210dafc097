"""The parts that pages are made of."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from captioner.errors import PhotoError
from tests.pictures import picture_write
from tests.training.pages.html_reading import Reading
from training.pages.html_parts import (
    bars,
    bullets,
    card,
    cards,
    data_uri,
    escape,
    facts,
    fold,
    histogram,
    notice,
    page_html,
    paragraph,
    photo_uri,
    section,
    table,
)

EVIL = """<script>alert("x")</script> & '<b onclick="y">'"""
PARTS = {
    "paragraph": paragraph(EVIL),
    "muted": paragraph(EVIL, muted=True),
    "notice": notice(EVIL, kind="danger"),
    "bullets": bullets([EVIL]),
    "facts": facts({EVIL: EVIL}),
    "table": table([EVIL, ""], [[EVIL, 1]], caption=EVIL),
    "card": card(data_uri(b"x", kind="image/png"), EVIL, alt=EVIL),
    "fold": fold(EVIL),
    "section": section(EVIL),
    "bars": bars(EVIL, {EVIL: 1.0}),
    "histogram": histogram(EVIL, {EVIL: 1}, axis=EVIL),
}


def picture_of(uri: str) -> Image.Image:
    kind, content = uri.split(",", 1)
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


@pytest.mark.parametrize("part", PARTS)
def test_part_escapes_what_it_is_given(part):
    reading = Reading(PARTS[part])

    assert not reading.attributes.keys() & {"script", "b"}
    assert all("onclick" not in element for elements in reading.attributes.values() for element in elements)
    assert escape(EVIL) in PARTS[part]


def test_page_is_one_document_under_its_title():
    page = page_html("Dogs & <boats>", paragraph("first"), paragraph("second"))

    reading = Reading(page)
    assert page.startswith("<!DOCTYPE html>")
    assert reading.texts["title"] == reading.texts["h1"] == ["Dogs & <boats>"]
    assert reading.texts["p"] == ["first", "second"]


def test_page_needs_nothing_else_and_forbids_the_rest():
    reading = Reading(page_html("Title", *PARTS.values()))

    assert reading.foreign == []
    policy = [element["content"] for element in reading.attributes["meta"] if "http-equiv" in element]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_page_has_a_style_of_its_own_besides_the_common_one():
    (style,) = Reading(page_html("Title", style=".p0{color:red}")).texts["style"]

    assert style.endswith(".p0{color:red}")
    assert ".facts" in style


def test_table_puts_numbers_to_the_right_and_dashes_for_nothing():
    rows: list[list[object]] = [["dog", 1234, "98.1%", 0.12345], ["boat", None, "2%", 1000.0]]

    reading = Reading(table(("word", "count", "share", "score"), rows))

    numbers = [element.get("class") == "number" for element in reading.attributes["td"]]
    assert numbers == [False, True, True, True] * 2
    assert reading.texts["td"] == ["dog", "1,234", "98.1%", "0.123", "boat", "–", "2%", "1,000"]
    assert [element.get("class") == "number" for element in reading.attributes["th"]] == numbers[:4]


def test_table_without_rows_has_its_header():
    assert Reading(table(("word", "count"), [])).texts["th"] == ["word", "count"]


def test_table_does_not_take_yes_for_a_number():
    reading = Reading(table(("flag",), [[True]]))

    assert reading.texts["td"] == ["True"]
    assert reading.attributes["td"][0].get("class") != "number"


def test_fold_is_shut_unless_it_is_to_be_open():
    assert "open" not in Reading(fold("more", paragraph("inside"))).attributes["details"][0]
    assert "open" in Reading(fold("more", opened=True)).attributes["details"][0]


def test_cards_stand_side_by_side():
    reading = Reading(cards(card("data:,", name, paragraph("below")) for name in ("a", "b")))

    assert reading.texts["h3"] == ["a", "b"]
    assert reading.classed("div", "cards") == 1


def test_bars_are_as_long_as_their_values():
    reading = Reading(bars("Words", {"dog": 4.0, "boat": 1.0, "sea": 0.0}))

    widths = [float((element["width"] or "").rstrip("%")) for element in reading.attributes["rect"]]
    assert widths[0] == pytest.approx(4 * widths[1])
    assert widths[2] == 0


def test_bars_shorten_long_names_and_keep_them_whole_for_the_pointer():
    reading = Reading(bars("Words", {"a" * 40: 1.0}))

    assert reading.texts["text"][0].startswith("a" * 15 + "…")
    assert reading.texts["title"] == ["a" * 40]


def test_histogram_is_as_high_as_its_counts():
    reading = Reading(histogram("Lengths", {"1": 2, "2": 8, "3": 0}, axis="words"))

    heights = [float(element["height"] or "") for element in reading.attributes["rect"]]
    assert heights[1] == pytest.approx(4 * heights[0])
    assert heights[2] == 0
    assert reading.texts["title"] == ["1: 2", "2: 8", "3: 0"]


def test_histogram_of_many_bins_names_a_few():
    texts = Reading(histogram("Lengths", {str(n): 1 for n in range(100)})).texts["text"]

    assert 4 < len([text for text in texts if text]) < 12


@pytest.mark.parametrize("chart", [bars, histogram])
@pytest.mark.parametrize("values", [{}, {"a": 0, "b": 0}], ids=["none", "zeros"])
def test_chart_of_nothing_is_drawn_all_the_same(chart, values):
    reading = Reading(chart("Nothing", values))

    assert reading.texts["figcaption"] == ["Nothing"]
    assert re.search(r"nan|inf", chart("Nothing", values)) is None


@pytest.mark.parametrize(
    ("size", "shown"),
    [((600, 300), (100, 50)), ((300, 300), (100, 100)), ((100, 400), (50, 200)), ((9, 900), (2, 200))],
)
def test_photo_keeps_its_shape_and_is_no_more_than_twice_as_high_as_asked(tmp_path, size, shown):
    path = picture_write(tmp_path, "photo.png", "red", size=size, kind="PNG")

    for photo in (path, np.full((size[1], size[0], 3), 200, dtype=np.uint8)):
        assert picture_of(photo_uri(photo, width=100)).size == shown


def test_photo_is_upright_and_without_its_metadata(tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"  # turned by a quarter
    path = picture_write(tmp_path, "photo.jpg", size=(80, 40), exif=exif)

    shown = picture_of(photo_uri(path, width=30))

    assert shown.size == (30, 60)
    assert not shown.getexif()


def test_photo_shows_its_colours(tmp_path):
    shown = picture_of(photo_uri(picture_write(tmp_path, "photo.jpg", (200, 30, 60)), width=60))

    np.testing.assert_allclose(np.asarray(shown)[20, 30], (200, 30, 60), atol=6)


def test_photo_that_is_none_is_told(tmp_path):
    (tmp_path / "photo.jpg").write_text("no picture")

    with pytest.raises(PhotoError):
        photo_uri(tmp_path / "photo.jpg", width=60)


def test_data_uri_holds_the_content():
    assert data_uri(b"\x00\xff", kind="image/png") == "data:image/png;base64,AP8="
