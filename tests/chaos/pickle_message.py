"""Messages on the queue that would run code where a pickle is loaded: none is, and the worker lives on."""

import pickle
from pathlib import Path
from typing import Any

import redis

from tests.brokers import wait_until
from tests.chaos.figures import Figures
from tests.chaos.promises import captioned_once
from tests.stack import Stack
from webapp import jobs

PHOTOS = {"full": 100, "small": 5}
TYPES = ("application/x-python-serialize", "application/data", "application/x-yaml", "application/json", "text/plain")


class _Evil:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def run(stack: Stack, scale: str, seed: int) -> Figures:
    """`seed` is of no use: nothing is left to chance."""
    mark = stack.folder / "executed"
    evil = pickle.dumps(((), {"job_ids": _Evil(mark)}, {}))
    pickle.loads(evil)
    assert mark.exists(), "these pickles are harmless"
    mark.unlink()
    worker = stack.worker_start()
    messages = 0
    with jobs.app.connection_for_write() as connection:
        producer = connection.Producer()
        for queue in jobs.QUEUES:
            for content_type in TYPES:
                producer.publish(
                    evil, content_type=content_type, content_encoding="binary", serializer=None, routing_key=queue,
                    headers={"task": jobs.CAPTION_PHOTOS, "id": f"evil-{messages}"},
                )  # fmt: skip
                messages += 1
    with redis.Redis.from_url(stack.broker.url) as client:
        for queue in jobs.QUEUES:
            for raw in (evil, b"{}", b"[]", b'{"properties": {}}'):  # not even what kombu wraps a message in
                client.lpush(queue, raw)
                messages += 1
    stack.photos_submit(PHOTOS[scale])
    figures = captioned_once(stack, seconds=60)
    assert worker.running.poll() is None, "the worker ended"
    assert not mark.exists(), "a pickle was executed"
    empty = [0] * len(jobs.QUEUES)
    wait_until(lambda: [*map(stack.broker.length, jobs.QUEUES)] == empty, what="the end of the last message")
    return Figures(kills=messages, note="kills: messages sent", **figures)
