"""Where Django looks for a database backend: its own, but a kept connection whose server does not answer is replaced by
a new one, the opening of which has its time-out. Django would wait for as long as the server stands still."""

import select
import time

from django.db.backends.postgresql import base
from psycopg import Error
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

ANSWER_SECONDS = 1.0


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Whether the server answers in ANSWER_SECONDS. Asked before the first statement of a request or a task."""
        if self.connection is None:
            return False
        try:
            return _answers(self.connection.pgconn)
        except Error:
            return False


def _answers(connection: PGconn) -> bool:
    """To an empty query."""
    readable = select.poll()  # not `select`, which knows the first 1,024 files of a process alone
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
