"""A call that may take for ever, made in a thread of its own, so that whoever asks can give up on it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from django.db import connection

T = TypeVar("T")


class Background(Generic[T]):
    """Calls `function` in a thread, never twice at a time: one that is silent for ever costs one thread, however often
    it is asked; who asks meanwhile gets the answer of the call that runs."""

    def __init__(self, function: Callable[[], T], *, name: str) -> None:
        self._function, self._name = function, name
        self._lock = threading.Lock()
        self._future: Future[T] | None = None

    def start(self) -> Future[T]:
        """What the call gives or raises."""
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
        except Exception as error:  # noqa: BLE001 - whoever waits for the future gets it
            future.set_exception(error)
        else:
            future.set_result(result)
