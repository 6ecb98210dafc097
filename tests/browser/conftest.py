"""A whole site for a browser: real web server, broker and worker, in a data folder of its own."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.brokers import Broker, free_port, wait_until
from tests.missing_services import service_missing

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
PASSWORD = "correct horse battery"
STAFF = "edith"


@dataclass
class LiveSite:
    url: str
    broker: Broker
    environment: dict[str, str]

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, env=self.environment, cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout

    def answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def parts(self) -> dict[str, dict[str, object]]:
        """What /readyz says of each part."""
        try:
            with urllib.request.urlopen(self.url + "/readyz", timeout=10) as response:
                return dict(json.load(response)["parts"])
        except urllib.error.HTTPError as error:
            return dict(json.load(error)["parts"])


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Iterator[LiveSite]:
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    with ExitStack() as stack:
        broker = stack.enter_context(Broker())
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "webapp.settings",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            "FOVEA_DATA_DIR": str(folder),
            "FOVEA_DATABASE_URL": "",
            "FOVEA_BROKER_URL": broker.url,
            "FOVEA_DEFAULT_BUNDLE": str(tiny_bundle),
            "FOVEA_DEVICE": "cpu",
            "FOVEA_DECODE_PROCESSES": "1",
        }
        site = LiveSite(f"http://127.0.0.1:{port}", broker, environment)
        site.manage("migrate", "--verbosity=0")
        site.manage("createsuperuser", "--noinput", f"--username={STAFF}", "--email=edith@example.org")
        web = ["uvicorn", "webapp.server.asgi:application", "--port", str(port), "--log-level=warning"]
        for name, command in {"web": web, "worker": ["worker"]}.items():
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            process = subprocess.Popen(
                [sys.executable, "-m", *command], env=environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
            )
            stack.callback(_end, process)
        wait_until(lambda: site.answers("/healthz"), seconds=60, what="the site's first answer")
        wait_until(lambda: site.answers("/readyz"), seconds=120, what="the worker's start")
        yield site


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """For one module only: while playwright runs, this thread has an event loop, in which Django refuses its ORM."""
    if not CHROMIUM.exists():
        service_missing(f"{CHROMIUM} is not installed (Debian: chromium)")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        # Chromium's own sandbox cannot be set up by root.
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser, site: LiveSite) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails its test for any script error and for anything that the content-security policy blocks."""
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if "Security Policy" in line.text else None)
    yield page
    assert not problems


@pytest.fixture
def member(page: Page, request: pytest.FixtureRequest) -> str:
    """The name of a new account, which the page is logged in to."""
    name = f"member-{abs(hash(request.node.name)) % 10**9}"
    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Your photos")).to_be_visible()
    return name
