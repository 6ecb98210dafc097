"""Refuses a request larger than any page takes. Django would first write all of it to the disk, whoever sent it."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class BodyLimit:
    """An ASGI application around another. What is too large is read to its end, so that the answer arrives."""

    def __init__(self, app: App, *, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if int(dict(scope["headers"]).get(b"content-length", b"0")) > self.max_bytes:
            while (await receive()).get("more_body"):
                pass
            await self._refuse(send)
            return
        size = 0
        refused = False

        async def counted() -> Message:
            """Without a stated length, Django is told that the sender went away."""
            nonlocal size, refused
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.max_bytes and not refused:
                refused = True
                while message.get("more_body"):
                    message = await receive()
                await self._refuse(send)
            return {"type": "http.disconnect"} if refused else message

        await self.app(scope, counted, send)

    async def _refuse(self, send: Send) -> None:
        text = f"The request is larger than {self.max_bytes:,} bytes. Send fewer or smaller files at a time."
        result = {"status": "error", "code": "too_many_bytes", "message": text}
        headers = [(b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps({"results": [result]}).encode()})
