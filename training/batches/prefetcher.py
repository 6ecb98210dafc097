"""A thread that makes the next batches ready during a step."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Generic, Self, TypeVar

T = TypeVar("T")
_AHEAD = 4
_END = object()


class Prefetcher(Generic[T]):
    """Iterates over `items`. A thread draws them, up to four ahead. Its errors are raised here.

    `waited`: seconds that the reader has waited. A context manager, which ends the thread.
    """

    def __init__(self, items: Iterable[T]) -> None:
        self.waited = 0.0
        self._items = items
        self._ready: queue.Queue[object] = queue.Queue(maxsize=_AHEAD)
        self._closed = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._draw, name="prefetch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._closed.set()
        self._thread.join()

    def __iter__(self) -> Iterator[T]:
        while True:
            begun = time.perf_counter()
            item = self._ready.get()
            self.waited += time.perf_counter() - begun
            if item is _END:
                if self._failure is not None:
                    raise self._failure
                return
            yield item  # type: ignore[misc]

    def _draw(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except BaseException as error:  # noqa: BLE001
            self._failure = error
        self._put(_END)

    def _put(self, item: object) -> bool:
        while not self._closed.is_set():
            try:
                self._ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False
