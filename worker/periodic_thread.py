"""A function called every few seconds in a thread of its own."""

import logging
import threading
from collections.abc import Callable

from django.conf import settings
from django.db import connection

log = logging.getLogger(__name__)


class PeriodicThread:
    """Calls `function` every `seconds` until closed. An error is logged; the next call comes all the same."""

    def __init__(self, name: str, function: Callable[[], object], *, seconds: float) -> None:
        self._function, self._seconds = function, seconds
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join(settings.LEASE_SECONDS)

    def _run(self) -> None:
        while not self._closed.wait(self._seconds):
            try:
                self._function()
            except Exception:
                log.exception("%s", self._thread.name)
            finally:
                connection.close()
