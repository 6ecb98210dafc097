"""The micro-batcher: one thread that owns the model and captions what has queued up, interactive photos first.

It never touches the database. It waits a few milliseconds for more photos only while it has fewer than its maximum. If
a batch fails, each photo is run by itself to find the one at fault; if the model cannot caption even a grey picture, or
does not come back at all, the process is at fault: it is ended, its leases run out, its supervisor starts another.
"""

import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

log = logging.getLogger(__name__)


class Model(Protocol):
    """What the batcher needs of `loaded_model.LoadedModel`."""

    def caption_batch(self, images: Sequence[np.ndarray]) -> list[Any]: ...
    def check(self) -> None: ...


@dataclass(frozen=True)
class Captioned:
    """One photo's result: `wait_ms` from submission to the start of its micro-batch, `model_ms` of that micro-batch."""

    result: Any
    wait_ms: float
    model_ms: float


@dataclass(eq=False)
class _Item:
    image: np.ndarray
    model: Model
    future: "Future[Captioned]" = field(default_factory=Future)
    submitted: float = field(default_factory=time.monotonic)


class Batcher:
    """
    Args:
        max_batch: photos in one micro-batch at most.
        max_wait: seconds to wait for more while there are fewer.
        out_of_memory: the exception that calls for a smaller batch.
        hang_seconds: the model has hung when a micro-batch takes this long.
        on_fatal: ends the process; gets the reason.
    """

    def __init__(
        self,
        *,
        max_batch: int,
        max_wait: float,
        out_of_memory: type[Exception],
        hang_seconds: float,
        on_fatal: Callable[[str], None],
    ) -> None:
        self._max_batch, self._max_wait = max_batch, max_wait
        self._out_of_memory, self._hang_seconds, self._on_fatal = out_of_memory, hang_seconds, on_fatal
        self._lanes: tuple[deque[_Item], deque[_Item]] = (deque(), deque())  # interactive, bulk
        self._changed = threading.Condition()
        self._closed = False
        self._busy_since: float | None = None
        self._threads = [
            threading.Thread(target=loop, name=name, daemon=True)
            for name, loop in (("batcher", self._run), ("batcher-watchdog", self._watch))
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, image: np.ndarray, *, model: Model, interactive: bool) -> "Future[Captioned]":
        """Queue one photo, uint8 (S, S, 3), for the model it was decoded for."""
        item = _Item(image, model)
        with self._changed:
            self._lanes[0 if interactive else 1].append(item)
            self._changed.notify()
        return item.future

    def close(self) -> None:
        """Caption what has queued up, then end."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        try:
            while batch := self._take():
                self._caption(batch)
        except Exception as error:
            log.exception("the micro-batcher itself failed")
            self._on_fatal(f"the micro-batcher failed: {error}")

    def _take(self) -> list[_Item]:
        """The next micro-batch, all of one lane and for one model; empty when there will be no more.

        A photo that a person waits for is not held up by bulk photos in its own micro-batch either.
        """
        with self._changed:
            self._changed.wait_for(lambda: any(self._lanes) or self._closed)
            deadline = time.monotonic() + self._max_wait
            while sum(map(len, self._lanes)) < self._max_batch and not self._closed:
                if not self._changed.wait(deadline - time.monotonic()):
                    break
            batch: list[_Item] = []
            lane = self._lanes[0] or self._lanes[1]
            while lane and len(batch) < self._max_batch and (not batch or lane[0].model is batch[0].model):
                batch.append(lane.popleft())
            return batch

    def _caption(self, batch: list[_Item]) -> None:
        """Whatever the model raises, the neighbours go on."""
        error = self._attempt(batch)
        if error is None:
            return
        if len(batch) == 1:
            self._check(batch[0].model)
            batch[0].future.set_exception(error)
            return
        size = 1
        if isinstance(error, self._out_of_memory):
            log.warning("out of memory with %d photos at once", len(batch))
            size = len(batch) // 2
        for start in range(0, len(batch), size):
            self._caption(batch[start : start + size])

    def _attempt(self, batch: list[_Item]) -> Exception | None:
        try:
            start = self._busy_since = time.monotonic()
            results = self._run_model(batch)
            end = time.monotonic()
        except Exception as error:  # noqa: BLE001
            _frames_clear(error)
            return error
        finally:
            self._busy_since = None
        for item, result in zip(batch, results, strict=True):
            item.future.set_result(Captioned(result, (start - item.submitted) * 1000, (end - start) * 1000))
        return None

    def _run_model(self, batch: list[_Item]) -> list[Any]:
        results = batch[0].model.caption_batch([item.image for item in batch])
        if len(results) != len(batch):
            raise RuntimeError(f"the model gave {len(results)} results for {len(batch)} photos")
        return results

    def _check(self, model: Model) -> None:
        try:
            self._busy_since = time.monotonic()
            model.check()
        except Exception as broken:  # noqa: BLE001
            self._on_fatal(f"the model cannot caption any more: {broken}")
        finally:
            self._busy_since = None

    def _watch(self) -> None:
        while not (self._closed and not self._threads[0].is_alive()):
            since = self._busy_since
            if since is not None and time.monotonic() - since > self._hang_seconds:
                self._on_fatal(f"the model has not answered for {self._hang_seconds:g} s")
                return
            time.sleep(min(0.5, self._hang_seconds / 4))


def _frames_clear(error: BaseException) -> None:
    """Lets go of what the failed calls had computed, which a smaller batch needs the memory of; their lines stay."""
    each: BaseException | None = error
    while each is not None:
        traceback.clear_frames(each.__traceback__)
        each = each.__cause__ or each.__context__
