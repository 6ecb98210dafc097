"""What a newcomer does: sign up, upload, and watch the captions arrive; staff review one."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD, STAFF, LiveSite
from tests.bundles import CAPTIONS
from tests.pictures import picture, picture_write

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    return [picture_write(tmp_path, f"{colour}.jpg", colour) for colour in ("red", "blue", "white")]


def upload(page: Page, *paths: Path) -> None:
    page.get_by_label("Add photos").set_input_files(list(paths))


def test_upload_shows_three_captions_and_one_error_without_a_reload(
    page: Page, member: str, pictures: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(picture("black", size=(400, 400))[:900])
    page.evaluate("window.sameDocument = true")
    upload(page, *pictures, broken)
    for path in pictures:
        card = page.locator(".card", has_text=path.name)
        expect(card.locator(".caption")).to_have_text(CAPTIONS[path.stem], timeout=30_000)
        expect(card).to_contain_text("% sure")
    expect(page.locator(".upload.error")).to_contain_text("broken.jpg: The file is cut off")
    expect(page.locator(".card")).to_have_count(3)
    expect(page.locator("#tabs")).to_contain_text("Captioned 3")
    assert page.evaluate("window.sameDocument")


def test_review_in_the_admin_shows_the_persons_text_to_the_owner(
    page: Page, member: str, pictures: list[Path], site: LiveSite, chromium: Browser
) -> None:
    upload(page, pictures[0])
    card = page.locator(".card")
    expect(card.locator(".caption")).to_have_text(CAPTIONS["red"], timeout=30_000)
    staff = chromium.new_context(base_url=site.url).new_page()
    staff.goto("/admin/review/captionforreview/")
    staff.get_by_label("Username").fill(STAFF)
    staff.get_by_label("Password").fill(PASSWORD)
    staff.get_by_role("button", name="Log in").click()
    staff.get_by_placeholder("Search").or_(staff.locator("#searchbar")).fill(member)
    staff.locator("#searchbar").press("Enter")
    staff.get_by_role("link", name="A dog runs").or_(
        staff.locator("th a, td a").filter(has_text="dog runs")
    ).first.click()
    staff.get_by_label("Caption", exact=True).fill("A red wall.")
    staff.get_by_role("button", name="Save edit").click()
    staff.wait_for_load_state()
    page.reload()
    expect(card.locator(".caption")).to_have_text("A red wall.")
    card.get_by_role("link").click()
    expect(page.locator(".byline")).to_contain_text(f"Edited by {STAFF}")
    expect(page.locator(".machine")).to_contain_text(CAPTIONS["red"])
    staff.context.close()


def test_word_shows_where_the_model_looked(page: Page, member: str, pictures: list[Path]) -> None:
    upload(page, pictures[1])
    page.locator(".badge.done").wait_for()
    page.locator(".card a").click()
    veil = page.locator("#attention")
    expect(veil).to_be_hidden()
    words = page.locator("button.word")
    assert words.all_inner_texts() == CAPTIONS["blue"].lower().rstrip(".").split()
    words.nth(1).hover()
    expect(veil).to_be_visible()
    page.mouse.move(0, 0)
    expect(veil).to_be_hidden()
    words.nth(2).focus()
    expect(veil).to_be_visible()
    page.keyboard.press("Enter")
    words.nth(2).blur()
    expect(veil).to_be_visible()  # pressed: it stays
    page.keyboard.press("Escape")
    expect(veil).to_be_hidden()


def test_photo_page_follows_its_photo(page: Page, member: str, pictures: list[Path], site: LiveSite) -> None:
    """The queue is silent at first: the page says so, and shows the caption once it is back."""
    site.broker.freeze()
    try:
        upload(page, pictures[2])
        expect(page.locator("#notice")).to_contain_text("The queue does not answer", timeout=12_000)
        page.locator(".card a").click()
        expect(page.locator("#panel .badge")).to_have_text("Waiting")
    finally:
        site.broker.thaw()
    expect(page.locator("#panel h1")).to_have_text(CAPTIONS["white"], timeout=45_000)
    expect(page.locator("#notice")).to_be_hidden()
    expect(page.locator("#announcer")).to_contain_text(CAPTIONS["white"])
