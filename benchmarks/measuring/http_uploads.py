"""Uploads over HTTP, the same for all servers that are compared: each connection sends one file after the other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")
TIMEOUT = 120.0


def photos_post(url: str, paths: Sequence[Path], *, headers: Mapping[str, str], connections: int) -> list[Any]:
    """One request for each file, as the multipart field `file`. Returns the answers' JSON in the order of the files."""

    def post(client: httpx.Client, path: Path) -> Any:
        answer = client.post(url, files={"file": (path.name, path.read_bytes(), "image/jpeg")})
        return answer.raise_for_status().json()

    return each(post, paths, headers=headers, connections=connections)


def each(
    function: Callable[[httpx.Client, Path], T],
    paths: Sequence[Path],
    *,
    headers: Mapping[str, str],
    connections: int,
) -> list[T]:
    """Calls `function` for every path, over connections that are kept open. Returns its results in order."""
    clients: queue.SimpleQueue[httpx.Client] = queue.SimpleQueue()
    made: list[httpx.Client] = []
    lock = threading.Lock()

    def open_client() -> None:
        client = httpx.Client(headers=dict(headers), timeout=TIMEOUT, trust_env=False)
        with lock:
            made.append(client)
        clients.put(client)

    def work(path: Path) -> T:
        client = clients.get()
        try:
            return function(client, path)
        finally:
            clients.put(client)

    try:
        with ThreadPoolExecutor(connections, initializer=open_client) as pool:
            return list(pool.map(work, paths))
    finally:
        for client in made:
            client.close()
