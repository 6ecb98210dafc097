"""Celery's consumer, hardened: whatever lies on the queue, and however long the broker was away, it goes on."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer

log = logging.getLogger(__name__)

RECONNECT_SECONDS = 5  # at most between two tries; Celery's own 30 would leave a worker idle long after an outage
MALFORMED = (ValueError, TypeError, KeyError, AttributeError)  # what Celery and kombu raise on what is no task message


class Consumer(CeleryConsumer):
    connection: Any
    connection_errors: tuple[type[Exception], ...]
    loop: Callable[..., None]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.loop = partial(_loop, self.loop)

    def ensure_connected(self, connection: Any) -> Any:
        connection.ensure_connection = partial(connection.ensure_connection, interval_max=RECONNECT_SECONDS)
        return super().ensure_connected(connection)

    def on_connection_error_after_connected(self, error: Exception) -> None:
        """Kombu puts back, and acknowledges, what a lost connection had delivered by means that it has just taken from
        that connection; the AttributeError would end the worker. Nothing is to be put back: the rows tell what is done.
        """
        for channel in self.connection.transport.channels:
            channel.do_restore = False
            channel.basic_ack = channel.basic_reject = _nothing
        super().on_connection_error_after_connected(error)

    def create_task_handler(self, *arguments: Any, **options: Any) -> Callable[[Any], None]:
        """A message that Celery stumbles over is thrown away: put back, it would end every worker that takes it."""
        handle = super().create_task_handler(*arguments, **options)

        def handle_any(message: Any) -> None:
            try:
                handle(message)
            except MALFORMED:
                log.exception("a malformed message is thrown away")
                message.reject_log_error(log, self.connection_errors)

        return handle_any


def _nothing(*_arguments: Any, **_options: Any) -> None:
    pass


def _loop(loop: Callable[..., None], *arguments: Any) -> None:
    """What is no message at all is gone from its queue by now; a new connection goes on with the next one."""
    try:
        loop(*arguments)
    except MALFORMED as error:
        log.exception("something that is no message was on a queue")
        raise ConnectionError("the queue held something that is no message") from error
