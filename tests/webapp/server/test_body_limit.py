import asyncio
import json
import tempfile
from collections.abc import Mapping
from typing import Any

import pytest

from tests.disks import full_disk
from webapp.server.body_limit import App, BodyLimit, Receive, Send


async def echo(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answers with the length of the body; silent when the sender goes away, as Django is."""
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length += len(message["body"])
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


def post(chunks: list[bytes], *, stated: bool, app: App = echo) -> tuple[int, bytes, int]:
    """The answer's status and body, and how many chunks were left unread."""
    headers = [(b"content-length", str(sum(map(len, chunks))).encode())] if stated else []
    waiting: list[dict[str, Any]] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    waiting[-1]["more_body"] = False
    sent: list[Any] = []

    async def receive() -> Mapping[str, Any]:
        return waiting.pop(0)

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(BodyLimit(app, max_bytes=10)({"type": "http", "headers": headers}, receive, send))
    start, body = sent
    return start["status"], body["body"], len(waiting)


@pytest.mark.parametrize("stated", [True, False])
def test_body_limit_lets_a_request_through_up_to_the_limit(stated: bool) -> None:
    assert post([b"12345", b"67890"], stated=stated) == (200, b"10", 0)


@pytest.mark.parametrize("stated", [True, False])
def test_body_limit_refuses_more_with_the_limit_and_reads_to_the_end(stated: bool) -> None:
    status, body, left = post([b"12345", b"67890", b"1", b"2"], stated=stated)
    assert (status, left) == (413, 0)
    (result,) = json.loads(body)["results"]
    assert "larger than 10 bytes. Send fewer or smaller files" in result["message"]


def test_body_limit_tells_of_a_disk_that_is_too_full_for_a_request() -> None:
    async def full(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await receive()
        with full_disk(4), tempfile.TemporaryFile(buffering=0) as file:  # as Django keeps a large body
            for _ in range(2):
                file.write(b"12345")

    status, body, left = post([b"12345", b"67890"], stated=True, app=full)
    assert (status, left) == (507, 0)
    (result,) = json.loads(body)["results"]
    assert (result["code"], "Free some space" in result["message"]) == ("no_space", True)


def test_body_limit_leaves_other_protocols_alone() -> None:
    seen: list[str] = []

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    asyncio.run(BodyLimit(app, max_bytes=10)({"type": "lifespan"}, nothing, nothing))
    assert seen == ["lifespan"]
