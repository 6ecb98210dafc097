"""Django behind ASGI: a request stays in one thread, and the event loop serves the slow."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.core import signals
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from pytest_django import Settings

from webapp.handler import ThreadedHandler

threads: list[int] = []
MANY = 41  # more than there are cores, children or connections
together = threading.Barrier(MANY, timeout=20)


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def noted(request: HttpRequest) -> HttpResponse:
        threads.append(threading.get_ident())
        response = get_response(request)
        threads.append(threading.get_ident())
        return response

    return noted


def echo(request: HttpRequest) -> HttpResponse:
    threads.append(threading.get_ident())
    return HttpResponse(request.body[::-1], headers={"X-Path": request.path})


def meet(request: HttpRequest) -> HttpResponse:
    together.wait()
    return HttpResponse("met")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        yield b"one "
        threads.append(threading.get_ident())
        yield b"two"

    return StreamingHttpResponse(parts())


def fail(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [path("echo", echo), path("meet", meet), path("stream", stream), path("fail", fail)]


@pytest.fixture
def handler(settings: Settings) -> ThreadedHandler:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [f"{__name__}.middleware", *settings.MIDDLEWARE[:2], f"{__name__}.middleware"]
    settings.SECURE_SSL_REDIRECT = False
    threads.clear()
    return ThreadedHandler()


def answers(handler: ThreadedHandler, *requests: tuple[str, str, bytes]) -> list[httpx.Response]:
    """Of requests that are sent at the same time."""

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=handler, raise_app_exceptions=False)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            sent = [client.request(method, url, content=content) for method, url, content in requests]
            return await asyncio.gather(*sent)

    return asyncio.run(ask())


def test_request_stays_in_one_thread_which_is_not_that_of_the_event_loop(handler: ThreadedHandler) -> None:
    [answer] = answers(handler, ("POST", "/echo", b"abc"))

    assert (answer.status_code, answer.content, answer.headers["x-path"]) == (200, b"cba", "/echo")
    assert len(threads) == 5
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


def test_requests_are_served_however_many_wait(handler: ThreadedHandler) -> None:
    assert [answer.text for answer in answers(handler, *MANY * [("GET", "/meet", b"")])] == MANY * ["met"]


def test_thread_serves_one_request_after_the_other(handler: ThreadedHandler) -> None:
    for _ in range(3):
        answers(handler, ("GET", "/echo", b""))

    assert len(set(threads)) == 1


def test_streamed_answer_is_read_in_the_threads_and_closed(handler: ThreadedHandler) -> None:
    ended: list[int] = []

    def finished(**_: object) -> None:
        ended.append(threading.get_ident())

    signals.request_finished.connect(finished)
    try:
        [answer] = answers(handler, ("GET", "/stream", b""))
    finally:
        signals.request_finished.disconnect(finished)

    assert answer.text == "one two"
    assert threading.get_ident() not in {*threads, *ended}
    assert len(ended) == 1


def test_static_file_is_served(handler: ThreadedHandler) -> None:
    [answer] = answers(handler, ("GET", "/static/admin/css/base.css", b""))

    assert answer.headers["content-type"].startswith("text/css")
    assert len(answer.content) == int(answer.headers["content-length"]) > 10_000


def test_view_that_fails_is_answered_as_an_error_and_the_next_one_is_served(handler: ThreadedHandler) -> None:
    assert answers(handler, ("GET", "/fail", b""))[0].status_code == 500
    assert answers(handler, ("GET", "/echo", b""))[0].status_code == 200


def messages(handler: ThreadedHandler, *received: dict[str, Any], query: bytes = b"") -> list[Any]:
    """What is sent in answer to these."""
    waiting, sent = list(received), []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    async def send(message: object) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/echo", "query_string": query, "headers": []}
    asyncio.run(handler(scope, receive, send))
    return sent


def test_request_whose_sender_goes_away_in_its_body_reaches_no_view(handler: ThreadedHandler) -> None:
    begun = {"type": "http.request", "body": b"ab", "more_body": True}

    assert messages(handler, begun, {"type": "http.disconnect"}) == []
    assert threads == []


def test_request_that_is_no_text_is_refused(handler: ThreadedHandler, caplog: pytest.LogCaptureFixture) -> None:
    start, *_ = messages(handler, {"type": "http.request"}, query=b"\xff")

    assert start["status"] == 400
    assert "UnicodeDecodeError" in caplog.text


def test_what_is_not_http_is_refused(handler: ThreadedHandler) -> None:
    with pytest.raises(ValueError, match="Only HTTP is served here, not websocket"):
        asyncio.run(handler({"type": "websocket"}, None, None))  # type: ignore[arg-type]
