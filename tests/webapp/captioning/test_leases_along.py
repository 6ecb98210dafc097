"""A photo for which a person waits takes along the others that wait as well."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from tests.webapp.job_rows import job_age, job_make
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob
from webapp.captioning.services import leases


def taken(job: CaptionJob, *, along: int = 16) -> list[int]:
    return [lease.job_id for lease in leases.jobs_lease(job_ids=[job.pk], worker="w", along=along)]


def test_lease_takes_along_those_that_have_waited_longest(user: User) -> None:
    waiting = [job_make(user) for _ in range(5)]
    job_age(waiting[4], seconds=9)
    job_age(waiting[0], seconds=5)

    assert taken(waiting[2], along=2) == [waiting[2].pk, waiting[4].pk, waiting[0].pk]
    assert set(CaptionJob.objects.values_list("id", "state", "token")) == {
        (job.pk, *(("queued", 0) if job in (waiting[1], waiting[3]) else ("running", 1))) for job in waiting
    }


@pytest.mark.parametrize(("others", "along"), [(3, 0), (4, 1), (7, 1), (12, 2), (20, 2)])
def test_lease_takes_along_one_hands_share(user: User, others: int, along: int) -> None:
    job, *_ = [job_make(user) for _ in range(1 + others)]

    assert len(leases.jobs_lease(job_ids=[job.pk], worker="w", along=2, hands=4)) == 1 + along


def test_lease_takes_none_along_unless_asked_to(user: User) -> None:
    job, _ = job_make(user), job_make(user)

    assert taken(job, along=0) == [job.pk]


@pytest.mark.parametrize(
    "other",
    [
        {"lane": "bulk"},
        {"lease_count": 1},
        {"state": "paused"},
        {"state": "running"},
        {"harm_count": 1},
        {"lease_expires_at": Now() + timedelta(seconds=9)},
    ],
    ids=["of a bulk", "stranded", "paused", "in other hands", "harmful", "put off until later"],
)
def test_lease_takes_none_along_that_is_served_otherwise(user: User, other: dict[str, object]) -> None:
    job, _ = job_make(user), job_make(user, **other)

    assert taken(job) == [job.pk]


def test_lease_takes_one_along_whose_message_must_have_come_by_now(user: User) -> None:
    job, other = job_make(user), job_make(user, lease_expires_at=Now() - timedelta(seconds=1))

    assert taken(job) == [job.pk, other.pk]


@pytest.mark.parametrize(
    "own", [{"lane": "bulk"}, {"lease_count": 1}, {"harm_count": 1}], ids=["of a bulk", "stranded", "harmful"]
)
def test_lease_of_what_is_served_otherwise_takes_none_along(user: User, own: dict[str, object]) -> None:
    job, _ = job_make(user, **own), job_make(user)

    assert taken(job) == [job.pk]


def test_message_of_a_job_that_was_taken_along_finds_nothing_and_locks_nothing(
    user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first, second, _ = (job_make(user) for _ in range(3))
    taken(first, along=1)

    with django_assert_num_queries(1):
        assert taken(second) == []


@pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite's planner")
def test_lease_sorts_neither_all_rows_that_wait_nor_all_that_are_done(user: User) -> None:
    job, _ = job_make(user), job_make(user)
    with CaptureQueriesContext(connection) as captured:
        taken(job)
    limited = [each["sql"] for each in captured if "LIMIT" in each["sql"]]
    with connection.cursor() as cursor:
        plans = [str(cursor.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()) for query in limited]

    assert len(plans) == 2  # their count, and they
    for plan in plans:
        assert "INDEX job_waiting" in plan, plan
        assert "TEMP B-TREE" not in plan, plan
