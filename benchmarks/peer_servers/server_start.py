"""Starts and stops the servers that Fovea is compared with.

A server is paused while another one is measured: its polling would take processor time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
from celery import Celery

from benchmarks.measuring.http_uploads import photos_post
from tests.brokers import Broker, free_port, wait_until

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv" / "peers"  # apart from what Fovea runs with: LitServe brings a faster event loop for uvicorn
START_SECONDS = 120.0
RESULT_SECONDS = 300.0

Rate = Callable[[Sequence[Path]], float]


def litserve_missing() -> bool:
    """Whether LitServe is not installed here; says so."""
    if (PEERS / "litserve").is_dir():
        return False
    print("LitServe is not installed (make .venv/installed-peers): left out.", file=sys.stderr)
    return True


@contextmanager
def litserve_server(bundle: Path, *, device: str, connections: int) -> Iterator[Rate]:
    """A function of photos: how many a second, from the first request to the last caption."""
    post = partial(photos_post, headers={}, connections=connections)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = [str(bundle), device, str(port)]
    with _process(
        "benchmarks.peer_servers.litserve_server", *arguments, environment={"PYTHONPATH": str(PEERS)}
    ) as server:

        def healthy() -> bool:
            try:
                return httpx.get(f"{url}/health", timeout=5, trust_env=False).is_success
            except httpx.HTTPError:
                return False

        def rate(paths: Sequence[Path]) -> float:
            with _awake(server):
                begun = time.perf_counter()
                captions = [answer["caption"] for answer in post(f"{url}/predict", paths)]
                return len(captions) / (time.perf_counter() - begun)

        wait_until(healthy, seconds=START_SECONDS, what="LitServe's first answer")
        os.killpg(server, signal.SIGSTOP)
        yield rate


@contextmanager
def plain_celery(bundle: Path, *, device: str, processes: int, threads: int | None = None) -> Iterator[Rate]:
    """A function of photos: how many a second, from the first message to the last result.

    Args:
        threads: of the model in each process; None: as many as it takes by itself.
    """
    with Broker() as broker:
        environment = {"PLAIN_BROKER": broker.url, "PLAIN_BUNDLE": str(bundle), "PLAIN_DEVICE": device}
        if threads is not None:
            environment["OMP_NUM_THREADS"] = str(threads)
        arguments = [
            "-A",
            "benchmarks.peer_servers.plain_celery",
            "worker",
            "--pool",
            "prefork",
            "--loglevel",
            "WARNING",
        ]
        with _process("celery", *arguments, "--concurrency", str(processes), environment=environment) as pool:
            client = Celery("client", broker=broker.url, backend=broker.url)

            def rate(paths: Sequence[Path]) -> float:
                with _awake(pool):
                    begun = time.perf_counter()
                    results = [client.send_task("plain.caption", [str(path)]) for path in paths]
                    for result in results:
                        result.get(timeout=RESULT_SECONDS)
                    return len(paths) / (time.perf_counter() - begun)

            yield rate


@contextmanager
def _awake(group: int) -> Iterator[None]:
    """Lets a process group run during the block, and pauses it afterwards."""
    os.killpg(group, signal.SIGCONT)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGSTOP)


@contextmanager
def _process(module: str, *arguments: str, environment: Mapping[str, str]) -> Iterator[int]:
    """Runs `python -m MODULE` as a process group of its own. If the block fails, its output is shown."""
    command = [sys.executable, "-m", module, *arguments]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield process.pid
        except BaseException:
            log.seek(0)
            print(log.read()[-4000:], file=sys.stderr)
            raise
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
