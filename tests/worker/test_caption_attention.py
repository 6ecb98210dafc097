"""`manage.py caption --attention`: where the model looked, as a picture."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from tests.bundles import bundle_make
from tests.worker.caption_command import caption_lines


def test_caption_attention_writes_a_figure(caption, photo, tmp_path):
    figure = tmp_path / "figure.png"

    caption(photo("a.png"), photo("b.png"), attention=figure)

    with Image.open(figure) as image:
        assert image.format == "PNG"
        assert min(image.size) > 200


def test_caption_attention_leaves_out_the_photos_that_failed(bundle, photo, tmp_path):
    figure = tmp_path / "figure.png"

    caption_lines(photo("a.png"), str(tmp_path / "none.png"), bundle=bundle, attention=figure)

    assert figure.exists()


def test_caption_attention_of_nothing_writes_no_figure(bundle, tmp_path):
    figure = tmp_path / "figure.png"

    caption_lines(str(tmp_path / "none.png"), bundle=bundle, attention=figure)

    assert not figure.exists()


def test_caption_attention_refuses_to_overwrite_a_photo(photo, bundle):
    file = photo("a.png")

    with pytest.raises(CommandError, match="one of the photos"):
        call_command("caption", file, bundle=bundle, attention=Path(file))


def test_caption_attention_refuses_another_kind_of_file(photo, bundle, tmp_path):
    with pytest.raises(CommandError, match=r"must end in \.png, \.pdf, \.svg"):
        call_command("caption", photo("a.png"), bundle=bundle, attention=tmp_path / "b.jpg")


def test_caption_attention_refuses_a_folder_that_is_not_there(photo, bundle, tmp_path):
    with pytest.raises(CommandError, match="make it first"):
        call_command("caption", photo("a.png"), bundle=bundle, attention=tmp_path / "none" / "figure.png")


def test_caption_attention_refuses_more_photos_than_it_can_draw(photo, bundle, tmp_path):
    with pytest.raises(CommandError, match="20 photos at most, not 21"):
        call_command("caption", *[photo("a.png")] * 21, bundle=bundle, attention=tmp_path / "figure.png")


def test_caption_attention_of_a_model_without_attention_says_so(photo, tmp_path):
    bundle = bundle_make(tmp_path / "bundle", decoder="show_and_tell")

    with pytest.raises(CommandError, match="needs a show_attend_and_tell model"):
        call_command("caption", photo("a.png"), bundle=bundle, attention=tmp_path / "figure.png")


def test_caption_attention_that_cannot_be_written_says_why(photo, bundle, tmp_path):
    (tmp_path / "figure.png").mkdir()

    with pytest.raises(CommandError, match="cannot be written"):
        call_command("caption", photo("a.png"), bundle=bundle, attention=tmp_path / "figure.png", stdout=io.StringIO())
