"""A client of the site: it opens an account, uploads photos, waits for their captions."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import httpx

from benchmarks.measuring.http_uploads import TIMEOUT, photos_post

if TYPE_CHECKING:
    from tests.stack import Stack

PAGE = 200


class Person:
    """Uploads one photo at a time."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._url = url
        self._client = httpx.Client(headers=dict(headers), timeout=TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def waits_ms(self, paths: Iterable[Path]) -> list[float]:
        """Milliseconds of each photo from the start of its upload to its caption's row.

        A photo is uploaded when `paths` yields it. The client asks for captions after the last upload, so its requests
        slow down no upload.
        """
        sent = []
        for path in paths:
            begun = time.time()
            answer = self._client.post(f"{self._url}/photos/", files={"file": (path.name, path.read_bytes())})
            [result] = answer.raise_for_status().json()["results"]
            sent.append((begun, result["id"]))
        return [1000 * (self._finished(photo) - begun) for begun, photo in sent]

    def _finished(self, photo: int) -> float:
        """When its caption was written, by the database's clock (this machine's)."""
        give_up = time.monotonic() + TIMEOUT
        while time.monotonic() < give_up:
            found = self._client.get(f"{self._url}/photos/{photo}/").raise_for_status().json()
            if found["state"] == "done":
                return dt.datetime.fromisoformat(found["timings"]["finished_at"]).timestamp()
            time.sleep(0.05)
        raise RuntimeError(f"photo {photo} has no caption after {TIMEOUT:g} s: it is {found['state']}")


def site_open(stack: Stack, processes: int) -> str:
    """Starts the site in so many processes (0: as it ships). Returns the API's address."""
    return f"{stack.web_start(FOVEA_WEB_PROCESSES=str(processes)).url}/api/v1"


def account_open(stack: Stack, url: str, name: str) -> dict[str, str]:
    """Makes an account without photos. Returns the headers of its requests."""
    from django.contrib.auth import get_user_model

    get_user_model().objects.create_user(username=name, password=name)
    answer = httpx.post(f"{url}/auth/login/", json={"username": name, "password": name}, trust_env=False)
    return {"Authorization": f"Token {answer.raise_for_status().json()['token']}"}


def photos_captioned(url: str, paths: Sequence[Path], *, headers: Mapping[str, str], connections: int) -> list[str]:
    """Uploads the photos, waits until all have captions, and returns the captions."""
    answers = photos_post(f"{url}/photos/", paths, headers=headers, connections=connections)
    created = sum(result["created"] for answer in answers for result in answer["results"])
    with httpx.Client(headers=dict(headers), timeout=TIMEOUT, trust_env=False) as client:

        def page(number: int, size: int) -> Any:
            query: dict[str, str | int] = {"state": "done", "page": number, "page_size": size}
            return client.get(f"{url}/photos/", params=query).raise_for_status().json()

        give_up = time.monotonic() + TIMEOUT + len(paths)
        while page(1, 1)["count"] < created:
            if time.monotonic() > give_up:
                raise RuntimeError(f"{created - page(1, 1)['count']} of {created} photos have no caption")
            time.sleep(0.1)
        pages = range(1, 2 + (created - 1) // PAGE)
        return [photo["caption"] for number in pages for photo in page(number, PAGE)["results"]]
