"""The staff's page of the workers, in a real Chromium, under the strict content-security policy."""

from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.brokers import Broker
from tests.webapp.pages import session_cookie
from tests.webapp.rows import model_version_make
from webapp.accounts.models import User
from webapp.captioning.models import WorkerHeartbeat
from webapp.captioning.services.heartbeats import heartbeat_record

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(chromium: Browser, live_server: LiveServer, broker: Broker, staff_user: User) -> Iterator[Page]:
    """The page on a phone, with one worker; fails on anything that the browser complains of."""
    heartbeat_record(name="host:1", device="cpu", model_version_id=model_version_make().pk)
    client = Client()
    client.force_login(staff_user)
    complaints: list[str] = []
    with chromium.new_context(base_url=live_server.url, viewport={"width": 390, "height": 844}) as context:
        context.add_cookies([session_cookie(client, live_server.url)])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/admin/captioning/workerheartbeat/")
        yield page
        page.close()
    assert complaints == []


@pytest.mark.slow
def test_workers_page_refreshes_itself_and_leaves_the_keyboard_where_it_is(page: Page) -> None:
    expect(page.get_by_text("All is well")).to_be_visible()
    page.locator("#to-failed").focus()
    WorkerHeartbeat.objects.all().delete()
    expect(page.locator(".operation-message")).to_contain_text("No worker is running", timeout=15_000)
    expect(page.locator("#announcer")).to_contain_text("No worker is running")
    expect(page.locator("#to-failed")).to_be_focused()


def test_workers_page_fits_a_phone(page: Page) -> None:
    expect(page.get_by_text("host:1")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
