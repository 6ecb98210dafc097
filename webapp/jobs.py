"""The queue contract: task names, queues, payloads, and the producer.

Messages are JSON and carry ids, never bytes. The database row is the truth; a message only hints at work. A message
that cannot be published is logged, and the sweep publishes it later.
"""

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

from celery import Celery
from django.conf import settings
from kombu import Queue
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

INTERACTIVE: Final = "interactive"  # a person waits
BULK: Final = "bulk"  # chunks of ids; a chunk is one micro-batch of a CPU worker
HOUSEKEEPING: Final = "housekeeping"  # served first: jobs that have waited long
QUEUES: Final = (HOUSEKEEPING, INTERACTIVE, BULK)  # in a worker's order of service

CAPTION_PHOTOS: Final = "fovea.caption_photos"  # {"job_ids": [int, …]}
UNPACK_BATCH: Final = "fovea.unpack_batch"  # {"batch_id": int}
VERIFY_MODEL: Final = "fovea.verify_model"  # {"model_version_id": int}

CHUNK_SIZE: Final = 16
PUBLISH_LIMIT: Final = 10_000  # most rows published in one pass


class _App(Celery):
    """Connects only to Fovea's broker. Plain Celery prefers CELERY_BROKER_URL to any setting, and that may belong to
    another program. With no URL at all, plain Celery tries a broker on this host.
    """

    def connection_for_read(self, url: str | None = None, **options: Any) -> Any:
        return super().connection_for_read(url or self._broker_url(), **options)

    def connection_for_write(self, url: str | None = None, **options: Any) -> Any:
        return super().connection_for_write(url or self._broker_url(), **options)

    def _broker_url(self) -> str:
        if told := broker_missing():
            raise OperationalError(told)
        return str(self.conf["broker_url"])


app = _App("fovea", fixups=[])  # Celery's fixup for Django opens a database connection for every task
app.conf.update(
    broker_url=settings.BROKER_URL,
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=True,
    task_queues=[Queue(name) for name in QUEUES],
    task_default_queue=HOUSEKEEPING,
    task_publish_retry=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # A silent broker is abandoned after 2 s. An upload has to answer within five seconds.
    broker_transport_options={
        "socket_timeout": 2,
        "socket_connect_timeout": 2,
        "queue_order_strategy": "priority",
        "max_retries": 0,
    },
)


# After a failure nothing is published for this long. Of many uploads, only one then waits for a silent broker.
BROKER_REST_SECONDS: Final = 5.0
BROKER_FAILED_SECONDS: Final = 60.0  # a process that publishes nothing more cannot notice the recovery
_broker_rests_until = 0.0
# One permit for each connection of the pool. A thread that waited here checks the pause above before it publishes. A
# thread that waited in the pool would not, and would wait for the silent broker again.
_publishing = threading.BoundedSemaphore(app.conf.broker_pool_limit)


def broker_missing() -> str:
    """Why this process has no broker, and what to do. Empty where it has one."""
    if app.conf["broker_url"]:
        return ""
    return (
        f"No site runs on the data folder {settings.DATA_DIR}, so there is no broker. Start the site with `make run`, "
        "or set FOVEA_DATA_DIR to the folder of the running site. For a broker of your own, set FOVEA_BROKER_URL."
    )


@cache
def _broker_missing_log(told: str) -> None:
    log.warning("%s Photos are stored now, and captioned once the site runs.", told)


def _publish(task: str, payload: dict[str, Any], *, queue: str) -> bool:
    global _broker_rests_until
    if told := broker_missing():
        _broker_missing_log(told)
        return False
    with _publishing:
        if time.monotonic() < _broker_rests_until:
            return False
        try:
            app.send_task(task, kwargs=payload, queue=queue, ignore_result=True, retry=False)
        except (OperationalError, OSError) as error:
            log.warning("%s was not published; the sweep will publish it later: %s", task, error)
            _broker_rests_until = time.monotonic() + BROKER_REST_SECONDS
            return False
        _broker_rests_until = 0.0
        return True


def broker_failed() -> bool:
    """Whether this process failed to publish its last message within BROKER_FAILED_SECONDS."""
    return _broker_rests_until > 0 and time.monotonic() < _broker_rests_until + BROKER_FAILED_SECONDS


def caption_photos_enqueue(job_ids: Iterable[int], *, queue: str) -> bool:
    """Publish one message for each chunk of caption jobs. False if the broker did not take one: the rows wait.

    In the housekeeping queue each job has its own message: a worker died with these jobs, and one may be the cause.
    """
    ids: Sequence[int] = list(job_ids)
    size = 1 if queue == HOUSEKEEPING else CHUNK_SIZE
    chunks = [ids[start : start + size] for start in range(0, len(ids), size)]
    return all(_publish(CAPTION_PHOTOS, {"job_ids": chunk}, queue=queue) for chunk in chunks)


def batch_unpack_enqueue(batch_id: int, *, queue: str = BULK) -> bool:
    return _publish(UNPACK_BATCH, {"batch_id": batch_id}, queue=queue)


def model_verify_enqueue(model_version_id: int) -> bool:
    return _publish(VERIFY_MODEL, {"model_version_id": model_version_id}, queue=INTERACTIVE)


def queue_lengths() -> dict[str, int] | None:
    """Number of waiting messages by queue. None if the broker is missing, down, silent for 2 s, or refuses the
    query."""
    if broker_missing():
        return None
    connection: Any = app.connection_for_read()
    try:
        with connection:
            client = connection.default_channel.client
            return {queue: int(client.llen(queue)) for queue in QUEUES}
    except (OperationalError, OSError, *connection.connection_errors, *connection.channel_errors):
        return None
