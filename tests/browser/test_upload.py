"""The ways to hand photos over in a browser, and the pages on a phone and without scripts."""

import base64
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD, LiveSite
from tests.pictures import picture, picture_write

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TRANSFER = """([name, content]) => {
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
    return transfer;
}"""


def encoded(colour: str) -> str:
    return base64.b64encode(picture(colour)).decode()


def test_drop_anywhere_on_the_page_uploads(page: Page, member: str) -> None:
    transfer = page.evaluate_handle(TRANSFER, ["dropped.jpg", encoded("red")])
    page.dispatch_event("h1", "dragenter", {"dataTransfer": transfer})
    expect(page.locator("body")).to_have_class("dropping")
    page.dispatch_event("h1", "drop", {"dataTransfer": transfer})
    expect(page.locator(".card", has_text="dropped.jpg")).to_be_visible()
    expect(page.locator("body")).not_to_have_class("dropping")


def test_paste_uploads(page: Page, member: str) -> None:
    transfer = page.evaluate_handle(TRANSFER, ["pasted.jpg", encoded("blue")])
    page.evaluate("(data) => document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data }))", transfer)
    expect(page.locator(".card", has_text="pasted.jpg")).to_be_visible()


def test_same_photo_twice_is_linked(page: Page, member: str, tmp_path: Path) -> None:
    picker = page.get_by_label("Add photos")
    picker.set_input_files(picture_write(tmp_path, "one.jpg", "red"))
    expect(page.locator(".card")).to_have_count(1)
    picker.set_input_files(picture_write(tmp_path, "two.jpg", "red"))
    line = page.locator(".upload.duplicate")
    expect(line).to_contain_text("two.jpg is already in your gallery.")
    line.get_by_role("link", name="Show it").click()
    expect(page.locator("#panel")).to_contain_text("one.jpg")


def test_several_files_end_with_a_line_that_adds_up(page: Page, member: str, tmp_path: Path) -> None:
    files = [
        picture_write(tmp_path, f"{name}.jpg", colour) for name, colour in (("a", "red"), ("b", "tan"), ("c", "red"))
    ]
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"x")
    page.get_by_label("Add photos").set_input_files([*files, broken])
    expect(page.locator(".upload").last).to_contain_text(
        "4 found: 2 taken, 1 there already, 1 not taken (see the reasons above)."
    )
    expect(page.locator(".upload.error").first).to_contain_text("broken.jpg")


def test_a_thousand_files_get_one_message_with_the_limit(page: Page, member: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in range(1000)]
    for path in paths:
        path.write_bytes(b"x")
    page.get_by_label("Add photos").set_input_files(paths)
    expect(page.locator(".upload")).to_have_count(1)
    expect(page.locator(".upload.error")).to_contain_text("1,000 files were chosen; the limit is 100 at a time")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".upload")).to_have_count(0)


def test_file_over_the_limit_is_told_before_it_is_sent(page: Page, member: str, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(bytes(20 * 2**20 + 1))
    page.get_by_label("Add photos").set_input_files(large)
    expect(page.locator(".upload.error")).to_contain_text(
        "large.jpg: The file has 20,971,521 bytes; the limit is 20,971,520"
    )


def test_site_that_is_away_is_told_for_the_file(page: Page, member: str, tmp_path: Path) -> None:
    page.context.set_offline(True)
    page.get_by_label("Add photos").set_input_files(picture_write(tmp_path, "one.jpg"))
    expect(page.locator(".upload.error")).to_contain_text("one.jpg was not uploaded: the site could not be reached")
    page.context.set_offline(False)


def test_zip_becomes_a_batch_whose_page_follows_it_to_the_end(page: Page, member: str, tmp_path: Path) -> None:
    path = tmp_path / "holiday.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for colour in ("red", "blue", "white", "black"):
            archive.writestr(f"{colour}.jpg", picture(colour))
        archive.writestr("../evil.jpg", picture("green"))
    page.get_by_label("Add photos").set_input_files(path)
    page.locator(".upload.created").get_by_role("link", name="Show it").click()
    expect(page.locator(".progress")).to_contain_text("Finished", timeout=60_000)
    expect(page.locator(".progress")).to_contain_text("4 of 5 captioned, 1 failed")
    expect(page.locator(".card")).to_have_count(4)
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    page.get_by_role("link", name="Failures").click()
    expect(page.locator(".failures .row")).to_contain_text("../evil.jpg")


def test_photo_is_deleted_after_a_question(page: Page, member: str, tmp_path: Path) -> None:
    page.get_by_label("Add photos").set_input_files(picture_write(tmp_path, "one.jpg"))
    page.locator(".card a").click()
    button = page.get_by_role("button", name="Delete for good")
    expect(button).to_be_hidden()
    page.get_by_text("Delete…").click()
    button.click()
    expect(page.get_by_text("one.jpg was deleted.")).to_be_visible()
    expect(page.locator(".card")).to_have_count(0)


def test_site_works_without_scripts(chromium: Browser, site: LiveSite, tmp_path: Path) -> None:
    context = chromium.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill("plain")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    good, bad = picture_write(tmp_path, "good.jpg"), tmp_path / "bad.jpg"
    bad.write_bytes(b"x")
    page.get_by_label("Add photos").set_input_files([good, bad])
    page.get_by_role("button", name="Upload").click()
    expect(page.locator(".message.error")).to_contain_text("bad.jpg: The file is not a picture")
    page.locator(".card a").click()
    expect(page.locator("#panel")).to_contain_text("good.jpg")
    context.close()


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("path", ["/", "/batches/"])
def test_page_needs_no_sideways_scrolling(page: Page, member: str, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_page_is_reached_by_keyboard_alone(page: Page, member: str) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.closest('main') !== null")
    assert focused
