"""Each page that is asked for, by whom, and how it is asked: by Django's test client, logged in as a person is.

Django must be set up.
"""

from __future__ import annotations

import html
import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection
from django.test import Client

from benchmarks.pages.rows import PASSWORD, STAFF, Site

OWNER, REVIEWER, PROGRAM, NOBODY = "owner", "staff", "program", "nobody"  # who asks
FAR, SEARCH = "far", "search"
DEEP: Final = 40  # pages of the gallery below its top
ON_PAGE: Final = 24
SEEN: Final = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)" data-seen>')
JOBS, PHOTOS, ITEMS = "/admin/captioning/captionjob/", "/admin/photos/photo/", "/admin/batches/batchitem/"
BATCHES, VERSIONS = "/admin/batches/batch/", "/admin/captioning/modelversion/"
WORKERS, DECISIONS = "/admin/captioning/workerheartbeat/", "/admin/captioning/decision/"
REVIEW: Final = "/admin/review/captionforreview/"
FOUND: Final[dict[str, dict[str, Any]]] = {  # searches and filters of the gallery
    "search": {"q": "dog"},
    "search that finds all": {"q": "img"},
    "search that finds all, deep": {"q": "img", "page": DEEP},
    "search that finds one": {"q": "IMG_000023"},
    "search that finds none": {"q": "zebra"},
    "search by name": {"q": "dog", "sort": "name"},
    "search with filters": {"q": "dog", "show": "captioned", "review": "undecided", "sure": "unsure"},
    "text by a person": {"by": "person"},
    "unsure": {"sure": "unsure"},
    "format": {"format": "PNG"},
    "day": {"since": "2020-01-01", "until": "2099-01-01"},
    "captioned by the model": {"show": "captioned", "by": "model"},
    "oldest": {"sort": "oldest"},
    "by name": {"sort": "name"},
    "by name, deep": {"sort": "name", "page": DEEP},
    "least sure": {"sort": "unsure"},
    "filters that find none": {"q": "dog", "by": "person", "sure": "sure", "format": "GIF", "show": "failed"},
}


@dataclass(frozen=True)
class Page:
    """A request. `polls`: the open page that asks what has changed on it; `path` is then where it asks.

    `kind`: FAR if it lies as deep as there are rows, so nothing is asked of its time; SEARCH if it counts what it
    finds, so its time may grow with the rows up to a limit.
    """

    name: str
    by: str
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    polls: str = ""
    decides: bool = False
    kind: str = ""


@dataclass(frozen=True)
class Asked:
    """A query that a page asked, and how long its answer took to begin."""

    sql: str
    params: Any
    seconds: float


def pages_of(site: Site) -> list[Page]:
    """Every page whose rows grow with an owner's photos."""
    last = math.ceil(site.count / ON_PAGE)
    return [*_gallery(site, last), *_batches(site), *_api(site), *_admin(site, last), *_review(site)]


def _gallery(site: Site, last: int) -> Iterator[Page]:
    yield Page("gallery", OWNER, "/")
    for show in ("waiting", "captioned", "failed"):
        yield Page(f"gallery, {show}", OWNER, "/", {"show": show})
    yield Page(f"gallery, page {DEEP}", OWNER, "/", {"page": min(DEEP, last)})
    yield Page("gallery, last page", OWNER, "/", {"page": last}, kind=FAR)
    for name, query in FOUND.items():
        yield Page(f"gallery, {name}", OWNER, "/", query, kind=SEARCH)
    yield Page("gallery, batch", OWNER, "/", {"batch": site.batch}, kind=SEARCH)
    yield Page("gallery search asks for changes", OWNER, "/state/", polls="/?q=dog")
    yield Page("gallery asks for changes", OWNER, "/state/", polls="/")
    yield Page("photo", OWNER, f"/photos/{site.photo}/")


def _batches(site: Site) -> Iterator[Page]:
    batch = f"/batches/{site.batch}/"
    yield Page("batches", OWNER, "/batches/")
    yield Page("batches ask for changes", OWNER, "/state/", polls="/batches/")
    for show in ("photos", "failures", "left_out"):
        yield Page(f"batch, {show}", OWNER, batch, {"show": show})
    yield Page("batch asks for changes", OWNER, "/state/", polls=batch)


def _api(site: Site) -> Iterator[Page]:
    batch = f"/api/v1/batches/{site.batch}/"
    yield Page("API, photos", PROGRAM, "/api/v1/photos/")
    yield Page("API, photos by state", PROGRAM, "/api/v1/photos/", {"state": ["failed", "quarantined"]})
    yield Page("API, photos search", PROGRAM, "/api/v1/photos/", {"q": "dog", "review": "undecided"}, kind=SEARCH)
    yield Page("API, photo", PROGRAM, f"/api/v1/photos/{site.photo}/")
    yield Page("API, batches", PROGRAM, "/api/v1/batches/")
    yield Page("API, batch", PROGRAM, batch)
    yield Page("API, batch items", PROGRAM, f"{batch}items/")
    yield Page("API, failed batch items", PROGRAM, f"{batch}items/", {"failed": "true"})


def _admin(site: Site, last: int) -> Iterator[Page]:
    yield Page("admin, photos", REVIEWER, PHOTOS)
    yield Page("admin, photos by state", REVIEWER, PHOTOS, {"job__state__exact": "failed"})
    yield Page("admin, photos search", REVIEWER, PHOTOS, {"q": "IMG_000023"})
    yield Page("admin, photos last page", REVIEWER, PHOTOS, {"p": math.ceil(last * ON_PAGE / 50) - 1}, kind=FAR)
    yield Page("admin, photo", REVIEWER, f"{PHOTOS}{site.photo}/change/")
    yield Page("admin, jobs", REVIEWER, JOBS)
    yield Page("admin, jobs by state", REVIEWER, JOBS, {"state__exact": "failed"})
    yield Page("admin, jobs search", REVIEWER, JOBS, {"q": "cyclist"})
    yield Page("admin, batches", REVIEWER, BATCHES)
    yield Page("admin, batch", REVIEWER, f"{BATCHES}{site.batch}/change/")
    yield Page("admin, batch items", REVIEWER, ITEMS, {"batch": site.batch})
    yield Page("admin, batch items by outcome", REVIEWER, ITEMS, {"batch": site.batch, "outcome__exact": "failed"})
    yield Page("admin, model versions", REVIEWER, VERSIONS)
    yield Page("admin, workers", REVIEWER, WORKERS)
    yield Page("metrics", NOBODY, "/metrics")


def _review(site: Site) -> Iterator[Page]:
    yield Page("review", REVIEWER, REVIEW)
    for decision in ("undecided", "edited"):
        yield Page(f"review, {decision}", REVIEWER, REVIEW, {"decision": decision})
    yield Page("review by confidence", REVIEWER, REVIEW, {"confidence": "40-60"})
    yield Page("review search", REVIEWER, REVIEW, {"q": "cyclist"})
    yield Page("review of a caption", REVIEWER, f"{REVIEW}{site.undecided}/change/")
    yield Page("review's decision and next", REVIEWER, f"{REVIEW}{site.undecided}/change/", decides=True)
    yield Page("review, decisions", REVIEWER, DECISIONS)


class Visitor:
    """Whoever asks for the pages of a site: its owner, the staff, a program with a token, and nobody."""

    def __init__(self, site: Site) -> None:
        self.pages = {page.name: page for page in pages_of(site)}
        self._clients = {
            OWNER: _logged_in(site.owner), REVIEWER: _logged_in(STAFF), PROGRAM: _with_token(site.owner),
            NOBODY: Client(SERVER_NAME="localhost"),
        }  # fmt: skip
        self._seen: dict[str, dict[str, list[str]]] = {}  # by the path of an open page
        self._undecided = ""  # where the last decision led to

    def visit(self, name: str) -> float:
        """Asks for the page; the seconds that the whole request took.

        Raises:
            RuntimeError: it is no page but an error, or a login.
        """
        page = self.pages[name]
        client = self._clients[page.by]
        path = (self._undecided if page.decides else "") or page.path
        query = self._changes(client, page.polls) if page.polls else page.query
        begun = time.perf_counter()
        if page.decides:
            answer: Any = client.post(path, {"decision": "approve", "text": "", "seen": ""})
        else:
            answer = client.get(path, query)
        seconds = time.perf_counter() - begun
        allowed = {302} if page.decides else {200, 204} if page.polls else {200}
        if answer.status_code not in allowed:
            raise RuntimeError(f"{page.name}: {path} answered {answer.status_code}: {answer.content[:500]!r}")
        if page.decides:
            self._undecided = answer["Location"]
        return seconds

    def queries(self, name: str) -> list[Asked]:
        """Those that the page asks."""
        asked: list[Asked] = []

        def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            begun = time.perf_counter()
            try:
                return execute(sql, params, many, context)
            finally:
                asked.append(Asked(sql, params[0] if many and params else params, time.perf_counter() - begun))

        with connection.execute_wrapper(watch):
            self.visit(name)
        return asked

    def _changes(self, client: Client, path: str) -> dict[str, list[str]]:
        """What an open page says of itself each time that it asks for changes."""
        if path not in self._seen:
            seen: dict[str, list[str]] = {}
            for name, value in SEEN.findall(client.get(path).content.decode()):
                seen.setdefault(name, []).append(html.unescape(value))
            self._seen[path] = seen
        return self._seen[path]


def plan_of(asked: Asked) -> str:
    """How the database goes about a query, a line a step. PostgreSQL reads again for that, and writes nothing."""
    reads = str(asked.sql.startswith("SELECT")).upper()
    postgresql = f"EXPLAIN (ANALYZE {reads}, COSTS OFF, SUMMARY OFF)"
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else postgresql
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {asked.sql}", asked.params)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def _logged_in(username: str) -> Client:
    client = Client(SERVER_NAME="localhost")
    answer = client.post("/accounts/login/", {"username": username, "password": PASSWORD})
    if answer.status_code != 302:
        raise RuntimeError(f"{username} cannot log in: {answer.status_code}")
    return client


def _with_token(username: str) -> Client:
    answer: Any = Client(SERVER_NAME="localhost").post(
        "/api/v1/auth/login/", {"username": username, "password": PASSWORD}, content_type="application/json"
    )
    return Client(SERVER_NAME="localhost", headers={"Authorization": f"Token {answer.json()['token']}"})
