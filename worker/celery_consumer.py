"""Celery's consumer, hardened: malformed messages and an absent broker do not end the worker."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer

log = logging.getLogger(__name__)

RECONNECT_SECONDS = 5  # at most between two tries; with Celery's own 30 a worker would stay idle long after an outage
MALFORMED = (ValueError, TypeError, KeyError, AttributeError)  # Celery and kombu raise these on malformed messages


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
        """Keeps kombu from putting back the messages of a lost connection.

        To do so kombu uses parts of the connection that it has just taken away; the AttributeError would end the
        worker. The messages are not needed: the rows say what is to be done.
        """
        for channel in self.connection.transport.channels:
            channel.do_restore = False
            channel.basic_ack = channel.basic_reject = _nothing
        super().on_connection_error_after_connected(error)

    def create_task_handler(self, *arguments: Any, **options: Any) -> Callable[[Any], None]:
        """Throws away a message that Celery cannot handle. If it were put back, it would end each worker in turn."""
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
    """Reconnects after something that is no message at all. It has left its queue; the next message follows."""
    try:
        loop(*arguments)
    except MALFORMED as error:
        log.exception("something that is no message was on a queue")
        raise ConnectionError("the queue held something that is no message") from error
