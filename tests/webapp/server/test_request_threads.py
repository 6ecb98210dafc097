"""Django behind ASGI: a request stays in one thread, and the event loop serves the slow."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest
from django.core import signals
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from pytest_django import Settings

from webapp.server.request_threads import OTHERS, UPLOADS, ThreadedHandler

threads: list[int] = []
together = threading.Barrier(OTHERS, timeout=20)
uploading: set[int] = set()
at_once: list[int] = []
full, answered, closed = threading.Event(), threading.Event(), threading.Event()


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


def receive(request: HttpRequest) -> HttpResponse:
    """Ends once another request was answered."""
    uploading.add(threading.get_ident())
    at_once.append(len(uploading))
    if len(at_once) == UPLOADS:
        full.set()
    answered.wait(20)
    uploading.remove(threading.get_ident())
    return HttpResponse(str(answered.is_set()))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        yield b"one "
        threads.append(threading.get_ident())
        yield b"two"

    return StreamingHttpResponse(parts())


def endless(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        try:
            while True:
                yield b"more "
        finally:
            closed.set()

    return StreamingHttpResponse(parts())


def fail(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [
    path("echo", echo),
    path("meet", meet),
    path("receive", receive),
    path("stream", stream),
    path("endless", endless),
    path("fail", fail),
]


@pytest.fixture
def handler(settings: Settings) -> ThreadedHandler:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [f"{__name__}.middleware", *settings.MIDDLEWARE[:2], f"{__name__}.middleware"]
    settings.SECURE_SSL_REDIRECT = False
    threads.clear()
    return ThreadedHandler()


FILES = {"Content-Type": "multipart/form-data; boundary=x"}


def answers(handler: ThreadedHandler, *requests: tuple[str, str, bytes]) -> list[httpx.Response]:
    """Of requests that are sent at the same time."""

    async def ask() -> list[httpx.Response]:
        async with client_of(handler) as client:
            sent = [client.request(method, url, content=content) for method, url, content in requests]
            return await asyncio.gather(*sent)

    return asyncio.run(ask())


def client_of(handler: ThreadedHandler) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=handler, raise_app_exceptions=False)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


def test_request_stays_in_one_thread_which_is_not_that_of_the_event_loop(handler: ThreadedHandler) -> None:
    [answer] = answers(handler, ("POST", "/echo", b"abc"))

    assert (answer.status_code, answer.content, answer.headers["x-path"]) == (200, b"cba", "/echo")
    assert len(threads) == 5
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


def test_requests_are_served_at_the_same_time(handler: ThreadedHandler) -> None:
    assert [answer.text for answer in answers(handler, *OTHERS * [("GET", "/meet", b"")])] == OTHERS * ["met"]


def test_uploads_wait_among_themselves_and_hold_up_nobody_else(handler: ThreadedHandler) -> None:
    at_once.clear()
    full.clear()
    answered.clear()

    async def ask() -> list[str]:
        async with client_of(handler) as client:
            uploads = [
                asyncio.create_task(client.post("/receive", content=b"--x--\r\n", headers=FILES))
                for _ in range(3 * UPLOADS)
            ]
            await asyncio.to_thread(full.wait, 20)
            await client.get("/echo")
            answered.set()
            return [answer.text for answer in await asyncio.gather(*uploads)]

    assert asyncio.run(ask()) == 3 * UPLOADS * ["True"]
    assert max(at_once) == UPLOADS


def test_requests_at_a_time_are_shared_among_the_processes_of_a_site() -> None:
    of = {processes: threads_of(ThreadedHandler(processes=processes)) for processes in (1, 2, 64)}
    assert of == {1: (24, 32, 4), 2: (12, 16, 2), 64: (6, 6, 1)}


def threads_of(handler: ThreadedHandler) -> tuple[int, ...]:
    return tuple(lane._max_workers for lane in (handler._uploads, handler._others, handler._probes))


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "Multipart/Form-Data; boundary=x"])
def test_lanes_of_uploads_pages_and_probes_are_apart(handler: ThreadedHandler, kind: str) -> None:
    def lane(path: str, *headers: tuple[bytes, bytes]) -> object:
        return handler._lane({"path": path, "headers": headers})

    upload, page = lane("/api/v1/photos/", (b"content-type", kind.encode())), lane("/api/v1/photos/")
    assert len({upload, page, lane("/readyz")}) == 3
    assert lane("/healthz") is lane("/readyz")


def test_thread_serves_one_request_after_the_other(handler: ThreadedHandler) -> None:
    for _ in range(9):
        answers(handler, ("GET", "/echo", b""))

    # Not always one: on a busy machine a thread may not be back yet when its answer has arrived.
    assert len(set(threads)) < 5


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


def test_streamed_answer_is_made_no_longer_than_somebody_receives_it(handler: ThreadedHandler) -> None:
    sent: list[Any] = []

    async def ask() -> None:
        gone = asyncio.Event()
        waiting = [{"type": "http.request"}]

        async def receive() -> dict[str, Any]:
            if waiting:
                return waiting.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Mapping[str, Any]) -> None:
            sent.append(message)
            if message.get("body"):  # of the first part
                gone.set()
                await asyncio.sleep(0)

        scope = {"type": "http", "method": "GET", "path": "/endless", "query_string": b"", "headers": []}
        await asyncio.wait_for(handler(scope, receive, send), timeout=20)

    asyncio.run(ask())
    assert len(sent) < 5
    assert closed.is_set()


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
