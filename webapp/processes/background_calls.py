"""Calls that may hang, made in their own thread. The caller can stop waiting for the result."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from django.db import connection

T = TypeVar("T")


class Background(Generic[T]):
    """Calls `function` in a thread, never twice at a time. A caller that comes during a call gets the result of that
    call. A function that hangs forever therefore costs one thread."""

    def __init__(self, function: Callable[[], T], *, name: str) -> None:
        self._function, self._name = function, name
        self._lock = threading.Lock()
        self._future: Future[T] | None = None

    def start(self) -> Future[T]:
        """A future for the result or exception of the call."""
        with self._lock:
            if self._future is None or self._future.done():
                self._future = Future()
                threading.Thread(target=self._run, args=(self._future,), name=self._name, daemon=True).start()
            return self._future

    def _run(self, future: Future[T]) -> None:
        try:
            try:
                result = self._function()
            finally:
                connection.close()
        except Exception as error:  # noqa: BLE001 - the future passes it on
            future.set_exception(error)
        else:
            future.set_result(result)
