"""Search and filters in a browser: results while somebody types, chips, and a phone."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import LiveSite
from tests.pictures import picture_write

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = {"sunny-beach.jpg": "red", "dark-forest.jpg": "blue", "beach-house.jpg": "white"}


@pytest.fixture
def photos(page: Page, member: str, tmp_path: Path) -> None:
    files = [picture_write(tmp_path, name, colour) for name, colour in NAMES.items()]
    page.get_by_label("Add photos").set_input_files(files)
    expect(page.locator(".card .badge.done, .card .badge.unsure")).to_have_count(3, timeout=60_000)
    page.goto("/")


def test_typing_shows_what_is_found_and_keeps_it_in_the_address(page: Page, photos: None) -> None:
    field = page.get_by_label("Search your photos")
    field.press_sequentially("bea")
    expect(page.locator(".card")).to_have_count(2)
    expect(page.locator(".card mark").first).to_have_text("beach")
    expect(page.get_by_role("status").filter(has_text="found")).to_have_text("2 found")
    expect(field).to_be_focused()
    expect(page).to_have_url(re.compile(r"/\?q=bea$"))
    field.press_sequentially("ch sun")
    expect(page.locator(".card")).to_have_count(1)
    page.reload()
    expect(page.locator(".card")).to_have_count(1)
    expect(field).to_have_value("beach sun")


def test_filters_add_chips_that_are_removed_one_by_one(page: Page, photos: None) -> None:
    format_choice = page.locator("#filter-format option").nth(1)
    expect(format_choice).to_have_text("AVIF (0)")
    page.get_by_label("Search your photos").fill("beach")
    expect(format_choice).to_have_text("AVIF")  # what a search finds is not counted by format
    page.get_by_text("Filters").click()
    page.get_by_label("Format").select_option("JPEG")
    expect(page.get_by_role("link", name="JPEG")).to_be_visible()
    page.get_by_label("Review").select_option("rejected")
    expect(page.get_by_text("None of your photos matches all of this.")).to_be_visible()
    page.get_by_role("link", name="Without Rejected").click()
    expect(page.locator(".chip")).to_have_count(2)
    page.get_by_role("link", name="“beach”").click()
    expect(page.locator(".chip")).to_have_count(1)
    page.get_by_role("link", name="JPEG").click()
    expect(page.locator(".chip")).to_have_count(0)
    expect(page.locator(".card")).to_have_count(3)


def test_upload_to_a_page_that_filters_is_told_and_not_put_among_what_is_found(
    page: Page, photos: None, tmp_path: Path
) -> None:
    page.goto("/?q=forest")
    page.get_by_label("Add photos").set_input_files(picture_write(tmp_path, "late.jpg", "tan"))
    expect(page.locator(".upload.created")).to_contain_text("late.jpg was added. Show it")
    expect(page.locator(".card")).to_have_count(1)


@pytest.mark.parametrize("width", [320, 360])
def test_phone_has_the_filters_behind_one_button(page: Page, photos: None, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    page.goto("/?q=beach&review=undecided&since=2020-01-01")
    review = page.get_by_label("Review")
    expect(review).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_text("Filters", exact=False).first.click()
    expect(review).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_search_without_scripts_is_a_form(chromium: Browser, site: LiveSite, page: Page, photos: None) -> None:
    context = chromium.new_context(base_url=site.url, java_script_enabled=False)
    context.add_cookies(page.context.cookies())  # type: ignore[arg-type]
    plain = context.new_page()
    plain.goto("/")
    plain.get_by_label("Search your photos").fill("beach")
    plain.get_by_text("Filters").click()
    plain.get_by_label("Format").select_option("JPEG")
    plain.get_by_role("button", name="Apply").click()
    expect(plain.locator(".card")).to_have_count(2)
    expect(plain.locator(".chip")).to_have_count(2)
    context.close()
