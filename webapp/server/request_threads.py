"""Django's ASGI handler, changed so that each request stays in one thread through all middleware.

Django's own handler starts a thread for every request and returns to the event loop at every middleware. That takes a
third of an upload's time, and no code here is asynchronous. In this handler the event loop receives and sends, so a
slow client holds no thread. A pool of threads runs the middleware and the views.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import FileResponse
from django.urls import set_script_prefix

from webapp.server.body_limit import Receive, Send

# Most requests at a time in all processes of the site together, but at least AT_LEAST in each process. A request may
# hold a database connection, and PostgreSQL allows 100. Three pools, because uploads wait for locks, children and the
# broker, and pages wait for the database: neither may hold up the health checks.
UPLOADS, OTHERS, PROBES = 24, 32, 4
AT_LEAST = 6
PROBED = ("/healthz", "/readyz")


class ThreadedHandler(ASGIHandler):
    """`processes`: number of processes that serve the site, this one included."""

    def __init__(self, *, processes: int = 1) -> None:
        super().__init__()
        self._uploads = ThreadPoolExecutor(max(AT_LEAST, UPLOADS // processes), thread_name_prefix="upload")
        self._others = ThreadPoolExecutor(max(AT_LEAST, OTHERS // processes), thread_name_prefix="request")
        self._probes = ThreadPoolExecutor(max(1, PROBES // processes), thread_name_prefix="probe")

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"Only HTTP is served here, not {scope['type']}.")
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            response = await _in_thread(self._lane(scope), self._respond, scope, body)
            if not response.streaming:
                await self.send_response(response, send)
                return
            gone = asyncio.create_task(_sender_gone(receive))
            try:
                response.streaming_content = self._parts(iter(response), gone)
                await self.send_response(response, send)
            finally:
                gone.cancel()
                await _in_thread(self._others, response.close)

    def _lane(self, scope: dict[str, Any]) -> ThreadPoolExecutor:
        if scope["path"] in PROBED:
            return self._probes
        return self._uploads if _holds_files(scope) else self._others

    def _respond(self, scope: dict[str, Any], body: IO[bytes]) -> Any:
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response: Any = refusal if request is None else self.get_response(request)
        response._handler_class = self.__class__  # this and the block size as in Django's handler
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if not response.streaming:
            response.close()  # in the thread that has its database connection
        return response

    async def _parts(self, parts: Iterator[bytes], gone: asyncio.Task[None]) -> AsyncIterator[bytes]:
        """The server throws away what nobody receives any more, and says nothing. So no more is made."""
        while not gone.done() and (part := await _in_thread(self._others, next, parts, None)) is not None:
            yield part


def _holds_files(scope: dict[str, Any]) -> bool:
    return any(name == b"content-type" and value.lower().startswith(b"multipart/") for name, value in scope["headers"])


async def _sender_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _in_thread(threads: ThreadPoolExecutor, function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(threads, function, *arguments)
