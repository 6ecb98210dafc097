"""The form of exports, and the file that it sends."""

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.pictures import picture, picture_write

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_captions_are_exported_with_the_photos(page: Page, member: str, tmp_path: Path) -> None:
    page.get_by_label("Add photos").set_input_files(picture_write(tmp_path, "beach.jpg", "red"))
    expect(page.locator(".card.done")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Export").click()
    page.get_by_label("Text side-cars").check()
    page.get_by_label("With the photos").check()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download").click()
    downloading.value.save_as(tmp_path / "export.zip")

    assert downloading.value.suggested_filename == "fovea-txt-with-photos.zip"
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        assert archive.namelist() == ["beach.jpg", "beach.txt", "captions.csv"]
        assert archive.read("beach.jpg") == picture("red")
        assert archive.read("beach.txt").strip()


@pytest.mark.parametrize("width", [320, 1280])
def test_form_needs_no_sideways_scrolling(page: Page, member: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/exports/")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
