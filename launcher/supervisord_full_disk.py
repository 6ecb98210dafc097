"""`python -m launcher.supervisord_full_disk …` is a supervisord that survives a full disk.

The plain one dies: it cannot write a log, writes a traceback to its standard error, and finds no room there either.
"""

import sys
from contextlib import suppress
from typing import Any

from supervisor import loggers, supervisord


class LogFile(loggers.RotatingFileHandler):  # type: ignore[misc]  # supervisor has no types
    """A log that drops lines while they cannot be written."""

    def emit(self, record: Any) -> None:
        with suppress(OSError, ValueError):
            if self.stream.closed:  # after a rotation it could not be opened again
                self.reopen()
            super().emit(record)

    def handleError(self) -> None:  # noqa: N802  (its name in supervisor)
        pass

    def close(self) -> None:
        with suppress(OSError):
            super().close()


class Errors:
    """The standard error. It may be a file on the same full disk, so failed writes are dropped."""

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
    sys.stderr = Errors(sys.stderr)  # it has all that supervisord uses of a stream
    supervisord.main()


if __name__ == "__main__":
    main()
