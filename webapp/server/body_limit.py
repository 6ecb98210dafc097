"""Refuses requests that are larger than any page accepts or than the disk can hold. Django would first write the whole
request to disk, even for a sender without an account."""

import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from webapp.data_folder.outages import outage

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class BodyLimit:
    """An ASGI middleware. It reads a too large request to its end; otherwise the client would not read the answer."""

    def __init__(self, app: App, *, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if int(dict(scope["headers"]).get(b"content-length", b"0")) > self.max_bytes:
            await _read_to_the_end(receive)
            await self._refuse(send)
            return
        size = 0
        refused = ended = False

        async def counted() -> Message:
            """Counts the bytes: the length may be unstated. Past the limit, Django is told that the client left."""
            nonlocal size, refused, ended
            message = await receive()
            size += len(message.get("body", b""))
            ended = not message.get("more_body")
            if size > self.max_bytes and not refused:
                refused = True
                if not ended:
                    await _read_to_the_end(receive)
                await self._refuse(send)
            return {"type": "http.disconnect"} if refused else message

        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, counted, noted)
        except OSError as error:
            full = outage(error)
            if full is None or started:
                raise
            if not ended:
                await _read_to_the_end(receive)
            await _answer(send, HTTPStatus.INSUFFICIENT_STORAGE, full.code, full.message)

    async def _refuse(self, send: Send) -> None:
        text = f"The request is larger than {self.max_bytes:,} bytes. Send fewer or smaller files at a time."
        await _answer(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_many_bytes", text)


async def _read_to_the_end(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass


async def _answer(send: Send, status: HTTPStatus, code: str, text: str) -> None:
    result = {"status": "error", "code": code, "message": text}
    headers = [(b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"results": [result]}).encode()})
