"""Reviewing by keyboard alone, in a real Chromium, under the strict content-security policy."""

from collections.abc import Iterator

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.webapp.pages import session_cookie
from tests.webapp.rows import caption_make, model_version_make, picture
from webapp.accounts.models import User
from webapp.captioning.models import Caption, Decision
from webapp.captioning.services.photo_intake import photo_submit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def captions(user: User) -> list[Caption]:
    """Three undecided ones with photos, the least confident first."""
    version = model_version_make()
    made = []
    for number, color in enumerate(("red", "green", "blue")):
        content = ContentFile(picture(color=color).read())
        photo, _ = photo_submit(owner=user, file=content, name=f"{color}.png", enqueue=False)
        made.append(caption_make(user, version, text=f"caption {number}", confidence=0.1 + number / 10, photo=photo))
    return made


@pytest.fixture
def page(chromium: Browser, live_server: LiveServer, staff_user: User) -> Iterator[Page]:
    """The first caption, open before a member of staff; fails on anything that the browser complains of."""
    client = Client()
    client.force_login(staff_user)
    complaints: list[str] = []
    with chromium.new_context(base_url=live_server.url) as context:
        context.add_cookies([session_cookie(client, live_server.url)])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        page.close()
    assert complaints == []


def start(page: Page) -> None:
    page.goto("/admin/review/captionforreview/")
    page.get_by_role("link", name="Start reviewing").click()
    arrive(page, "caption 0")


def arrive(page: Page, caption: str) -> None:
    """The page of a caption is there, and its script listens."""
    expect(page.locator(".review-machine")).to_contain_text(caption)
    page.wait_for_load_state()


def decisions() -> list[tuple[str, str, str]]:
    return list(Decision.objects.order_by("id").values_list("caption__text", "verdict", "text"))


def test_review_by_keyboard_decides_and_goes_on(page: Page, captions: list[Caption]) -> None:
    start(page)
    page.keyboard.press("a")
    arrive(page, "caption 1")
    page.keyboard.press("e")
    page.keyboard.type("A green field.")
    page.keyboard.press("Enter")
    arrive(page, "caption 2")
    page.keyboard.press("r")
    expect(page.get_by_text("3 of 3 decided")).to_be_visible()
    assert decisions() == [
        ("caption 0", "approved", "caption 0"),
        ("caption 1", "edited", "A green field."),
        ("caption 2", "rejected", ""),
    ]


def test_next_key_goes_on_without_deciding(page: Page, captions: list[Caption]) -> None:
    start(page)
    page.keyboard.press("n")
    arrive(page, "caption 1")
    assert decisions() == []


def test_letters_typed_into_the_text_decide_nothing(page: Page, captions: list[Caption]) -> None:
    start(page)
    page.keyboard.press("e")
    page.keyboard.type("ran")
    expect(page.locator("#review-text")).to_have_value("ran")
    assert decisions() == []


@pytest.mark.slow
def test_escape_puts_the_text_back(page: Page, captions: list[Caption]) -> None:
    start(page)
    page.keyboard.press("e")
    page.keyboard.type("oops")
    expect(page.get_by_role("button", name="Approve")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(page.locator("#review-text")).to_have_value("caption 0")
    expect(page.get_by_role("button", name="Approve")).to_be_enabled()


@pytest.mark.slow
def test_keys_with_a_modifier_are_left_to_the_browser(page: Page, captions: list[Caption]) -> None:
    start(page)
    page.keyboard.press("Control+a")
    arrive(page, "caption 0")
    assert decisions() == []


@pytest.mark.slow
def test_alternative_is_put_into_the_text(page: Page, captions: list[Caption]) -> None:
    start(page)
    page.get_by_role("button", name="a cat sits").click()
    page.get_by_role("button", name="Save edit").click()
    arrive(page, "caption 1")
    assert decisions() == [("caption 0", "edited", "a cat sits")]


def test_photo_stands_beside_its_text(page: Page, captions: list[Caption]) -> None:
    start(page)
    shown = page.locator(".review-photo img")
    expect(shown).to_have_js_property("naturalWidth", 40)
    photo, text = shown.bounding_box(), page.locator(".review-machine").bounding_box()
    assert photo is not None
    assert text is not None
    assert photo["x"] + photo["width"] <= text["x"]


@pytest.mark.slow
def test_page_fits_a_phone(page: Page, captions: list[Caption]) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    start(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
