"""`python -m launcher.supervisord …` is supervisord, which outlives logs that cannot be written.

By itself it writes a traceback of a log that finds no room to its standard error, which finds none either, and dies.
"""

import sys
from contextlib import suppress
from typing import Any

from supervisor import loggers, supervisord


class LogFile(loggers.RotatingFileHandler):  # type: ignore[misc]  # supervisor has no types
    """Drops what cannot be written, and goes on once it can."""

    def emit(self, record: Any) -> None:
        with suppress(OSError, ValueError):
            if self.stream.closed:  # it could not be opened again after it was put aside for its length
                self.reopen()
            super().emit(record)

    def handleError(self) -> None:  # noqa: N802  (its name in supervisor)
        pass

    def close(self) -> None:
        with suppress(OSError):
            super().close()


class Errors:
    """The standard error, which may be a file on the same disk."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            return int(self._stream.write(text))
        return 0

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def main() -> None:
    loggers.RotatingFileHandler = LogFile
    sys.stderr = Errors(sys.stderr)  # as much of a stream as is asked of it
    supervisord.main()


if __name__ == "__main__":
    main()
