"""The owner corrects a text where it stands, in a real Chromium, under the strict content-security policy."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.test import Client
from playwright.sync_api import Browser, Dialog, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.webapp.pages import session_cookie
from tests.webapp.rows import caption_make, model_version_make, picture
from webapp.accounts.models import User
from webapp.captioning.models import Caption, CaptionJob, Decision
from webapp.captioning.services.decisions import photo_text_write
from webapp.captioning.services.photo_intake import photo_submit
from webapp.photos.models import Photo

EXPECTED = ("Failed to load resource", "htmx:sendError", "htmx:afterRequest")  # what a refused or lost request leaves

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def photos(user: User) -> list[Photo]:
    """Three captioned ones, the oldest first."""
    version = model_version_make()
    made = []
    for number, color in enumerate(("red", "green", "blue")):
        content = ContentFile(picture(color=color).read())
        photo, _ = photo_submit(owner=user, file=content, name=f"{color}.png", enqueue=False)
        made.append(caption_make(user, version, text=f"caption {number}", photo=photo).photo)
    CaptionJob.objects.update(state=CaptionJob.State.DONE)
    return made


@pytest.fixture
def page(chromium: Browser, live_server: LiveServer, user: User) -> Iterator[Page]:
    """The owner's; fails on anything that the browser complains of but refused requests."""
    client = Client()
    client.force_login(user)
    complaints: list[str] = []
    with chromium.new_context(base_url=live_server.url, permissions=["clipboard-read", "clipboard-write"]) as context:
        context.add_cookies([session_cookie(client, live_server.url)])
        page = context.new_page()
        page.on("console", lambda line: complaints.append(line.text) if not line.text.startswith(EXPECTED) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        page.close()
    assert complaints == []


@pytest.fixture
def photo(page: Page, photos: list[Photo]) -> Photo:
    """The middle one, open."""
    page.goto(f"/photos/{photos[1].pk}/")
    return photos[1]


def stands(photo: Photo) -> tuple[str, str]:
    photo.refresh_from_db()
    return photo.text, photo.text_by


def test_text_is_edited_and_put_back_by_keyboard_without_leaving_the_page(page: Page, photo: Photo) -> None:
    page.evaluate("window.sameDocument = true")
    page.keyboard.press("e")
    page.keyboard.type("A green field.")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("A green field.")
    expect(page.locator(".byline")).to_contain_text("Edited by you")
    expect(page.get_by_role("img")).to_have_attribute("alt", "A green field.")
    expect(page.locator("#announcer")).to_have_text("Saved: A green field.")
    assert stands(photo) == ("A green field.", "person")
    page.get_by_role("button", name="Put back").click()
    expect(page.locator("h1")).to_have_text("caption 1")
    assert page.evaluate("window.sameDocument")
    assert stands(photo) == ("caption 1", "model")


def test_click_on_the_text_edits_it_and_escape_puts_it_back(page: Page, photo: Photo) -> None:
    page.locator("h1").click()
    expect(page.get_by_label("Caption", exact=True)).to_be_focused()
    page.keyboard.type("oops")
    page.keyboard.press("Escape")
    expect(page.locator("h1")).to_have_text("caption 1")
    page.locator("h1").click()
    expect(page.get_by_label("Caption", exact=True)).to_have_value("caption 1")
    assert not Decision.objects.exists()


def test_enter_without_a_change_decides_nothing(page: Page, photo: Photo) -> None:
    page.keyboard.press("e")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Caption", exact=True)).to_be_hidden()
    assert not Decision.objects.exists()


def test_alternative_is_taken_by_its_number(page: Page, photo: Photo) -> None:
    page.keyboard.press("1")
    expect(page.locator("h1")).to_have_text("a cat sits")
    assert stands(photo) == ("a cat sits", "person")


def test_no_caption_is_chosen_by_its_button(page: Page, photo: Photo) -> None:
    page.keyboard.press("e")
    page.get_by_role("button", name="No caption").click()
    expect(page.locator("h1")).to_have_text("No caption")
    assert stands(photo) == ("", "person")


def test_second_page_is_told_and_nothing_typed_is_lost(page: Page, photo: Photo, staff_user: User) -> None:
    page.keyboard.press("e")
    page.keyboard.type("Mine.")
    photo_text_write(photo=photo, writer=staff_user, text="Theirs.", seen=None)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("edith wrote: Theirs.")
    expect(page.get_by_label("Caption", exact=True)).to_have_value("Mine.")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Mine.")
    assert stands(photo) == ("Mine.", "person")


def test_text_stays_in_its_field_while_the_site_is_away(page: Page, photo: Photo) -> None:
    page.route("**/text/", lambda route: route.abort())
    page.keyboard.press("e")
    page.keyboard.type("Mine.")
    with page.expect_console_message(lambda line: "ERR_FAILED" in line.text):
        page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("could not be reached")
    expect(page.get_by_label("Caption", exact=True)).to_have_value("Mine.")


def test_text_stays_in_its_field_after_a_logout_elsewhere(page: Page, photo: Photo) -> None:
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.keyboard.press("e")
    page.keyboard.type("Mine.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("you are logged out")
    expect(page.get_by_label("Caption", exact=True)).to_have_value("Mine.")


def test_open_editor_outlives_what_the_worker_writes(page: Page, photo: Photo) -> None:
    """The photo is captioned again; the panel comes once the editor is closed."""
    CaptionJob.objects.filter(photo=photo).update(state=CaptionJob.State.QUEUED)
    page.reload()
    page.keyboard.press("e")
    page.keyboard.type("Mine.")
    with page.expect_response("**/state/?*"):  # one that may have been asked for before
        CaptionJob.objects.filter(photo=photo).update(state=CaptionJob.State.DONE)
    page.wait_for_timeout(2500)
    expect(page.get_by_label("Caption", exact=True)).to_have_value("Mine.")
    page.keyboard.press("Escape")
    expect(page.locator("#panel .badge")).to_have_text("Captioned")


def test_length_is_counted_in_characters(page: Page, photo: Photo) -> None:
    page.keyboard.press("e")
    page.get_by_label("Caption", exact=True).fill("🦊" * 126)
    expect(page.locator("#text-length")).to_have_text("126 characters. Screen readers tire after 125.")


def test_arrow_keys_lead_to_the_photos_beside_but_not_out_of_the_editor(page: Page, photos: list[Photo]) -> None:
    page.goto(f"/photos/{photos[1].pk}/?show=captioned")
    page.keyboard.press("e")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**/photos/{photos[2].pk}/?show=captioned")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**/photos/{photos[1].pk}/?show=captioned")


@pytest.mark.parametrize(
    ("button", "copied"),
    [("Copy text", 'A "dog" & <cat>'), ("Copy <img alt>", '<img src="green.png" alt="A &quot;dog&quot; &amp; <cat>">')],
)
@pytest.mark.parametrize("secure", [True, False], ids=["https", "http"])
def test_text_is_copied(page: Page, photo: Photo, user: User, button: str, copied: str, secure: bool) -> None:
    photo_text_write(photo=photo, writer=user, text='A "dog" & <cat>', seen=None)
    page.reload()
    read = page.evaluate_handle("navigator.clipboard")
    if not secure:
        page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    text = read.evaluate("clipboard => clipboard.readText()")
    assert text.replace("&lt;", "<").replace("&gt;", ">") == copied


@pytest.mark.parametrize("width", [320, 1280])
def test_editor_fits_the_screen(page: Page, photo: Photo, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.keyboard.press("e")
    page.get_by_label("Caption", exact=True).fill("W" * 200)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.get_by_role("button", name="Save")).to_be_visible()


def test_text_is_edited_without_a_script(
    chromium: Browser, live_server: LiveServer, user: User, photos: list[Photo]
) -> None:
    client = Client()
    client.force_login(user)
    with chromium.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        context.add_cookies([session_cookie(client, live_server.url)])
        page = context.new_page()
        page.goto(f"/photos/{photos[1].pk}/?show=captioned")
        page.locator(".editor summary").click()
        page.get_by_label("Caption", exact=True).fill("Mine.")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("h1")).to_have_text("Mine.")
        assert page.url.endswith(f"/photos/{photos[1].pk}/?show=captioned")


def test_caption_is_edited_only_by_enter_that_ends_no_word(page: Page, photo: Photo) -> None:
    """Enter of an input method, as Japanese and Chinese are typed with, takes a word and saves nothing."""
    page.keyboard.press("e")
    page.get_by_label("Caption", exact=True).fill("いぬ")
    page.get_by_label("Caption", exact=True).dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    expect(page.get_by_label("Caption", exact=True)).to_have_value("いぬ")
    assert not Decision.objects.exists()


def test_caption_of_a_conflict_goes_back_to_what_stands(page: Page, photo: Photo, staff_user: User) -> None:
    page.keyboard.press("e")
    page.keyboard.type("Mine.")
    photo_text_write(photo=photo, writer=staff_user, text="Theirs.", seen=None)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("edith wrote")
    page.keyboard.press("Escape")
    expect(page.locator("h1")).to_have_text("Theirs.")
    assert Caption.objects.get(photo=photo).decisions.count() == 1


def test_page_asks_before_it_leaves_a_text_that_is_not_saved(page: Page, photo: Photo) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.keyboard.press("e")
    page.keyboard.type("Mine.")
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_label("Caption", exact=True)).to_have_value("Mine.")
    assert asked == ["beforeunload"]
    page.keyboard.press("Escape")
