"""The backend's kept connections, on a real server that stands still, is restarted, or refuses."""

import time
from collections.abc import Iterator
from contextlib import closing

import dj_database_url
import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler
from pytest_django import DjangoDbBlocker

from tests.databases import Postgres, postgres
from webapp.postgresql.base import ANSWER_SECONDS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def kept(url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[BaseDatabaseWrapper]:
    """A connection that a thread has kept from its last request, when the next one begins."""
    database = {**dj_database_url.parse(url), "ENGINE": "webapp.postgresql", "OPTIONS": {"connect_timeout": 2}}
    database |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    with django_db_blocker.unblock(), closing(ConnectionHandler({"default": database})["default"]) as connection:
        backend(connection)
        connection.close_if_unusable_or_obsolete()
        yield connection


def backend(connection: BaseDatabaseWrapper) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    return int(pid)


def test_connection_that_answers_is_kept(kept: BaseDatabaseWrapper) -> None:
    assert len({backend(kept), backend(kept)}) == 1
    before = backend(kept)
    kept.close_if_unusable_or_obsolete()
    assert backend(kept) == before


def test_connection_that_the_server_ended_is_replaced(kept: BaseDatabaseWrapper, url: str) -> None:
    before = backend(kept)
    server = Postgres.of(url)
    server.stop()
    server.start()
    kept.close_if_unusable_or_obsolete()
    assert backend(kept) != before


def test_connection_in_a_failed_transaction_is_usable(kept: BaseDatabaseWrapper) -> None:
    """As with Django's own backend: whether there is a connection is one thing, what it is in the middle of another."""
    kept.set_autocommit(False)
    with pytest.raises(Exception, match="nothing"), kept.cursor() as cursor:
        cursor.execute("SELECT nothing")
    assert kept.is_usable()
    kept.rollback()
    kept.set_autocommit(True)


def test_server_that_stands_still_is_given_up_in_time_and_used_again_once_it_answers(
    kept: BaseDatabaseWrapper, url: str
) -> None:
    with Postgres.of(url).paused():
        begun = time.monotonic()
        assert not kept.is_usable()
        assert ANSWER_SECONDS <= time.monotonic() - begun < ANSWER_SECONDS + 1
        kept.close()
        with pytest.raises(OperationalError):
            backend(kept)
        assert time.monotonic() - begun < 5
    assert backend(kept) > 0


def test_no_connection_is_not_usable(kept: BaseDatabaseWrapper) -> None:
    kept.close()
    assert not kept.is_usable()
