"""Django's PostgreSQL backend with one change: it replaces a kept connection whose server does not answer in time.
Opening the new connection has its own time-out. Plain Django would wait as long as the server hangs."""

import select
import time

from django.db.backends.postgresql import base
from psycopg import Error
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

ANSWER_SECONDS = 1.0


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Whether the server answers within ANSWER_SECONDS. Called before a request's or task's first statement."""
        if self.connection is None:
            return False
        try:
            return _answers(self.connection.pgconn)
        except Error:
            return False


def _answers(connection: PGconn) -> bool:
    """Whether the server answers an empty query."""
    readable = select.poll()  # `select.select` fails for file descriptors above 1,023
    readable.register(connection.socket, select.POLLIN)
    give_up = time.monotonic() + ANSWER_SECONDS
    connection.send_query(b"")
    answered = False
    while True:
        while connection.is_busy():
            if not readable.poll(1000 * max(0.0, give_up - time.monotonic())):
                return False
            connection.consume_input()
        result = connection.get_result()
        if result is None:
            return answered
        answered = result.status == ExecStatus.EMPTY_QUERY
