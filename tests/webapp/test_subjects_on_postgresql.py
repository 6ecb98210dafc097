"""Leases and sweep on PostgreSQL, which locks single rows where SQLite locks all."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import connection, transaction

from tests.brokers import wait_until
from tests.databases import postgres
from tests.webapp.job_rows import job_make
from webapp import jobs
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob
from webapp.captioning.services.caption_jobs import jobs_requeue

NO_ROWS = "SQLite locks no rows"
SUBJECTS = (
    "leases",
    "clock",
    "lost_jobs",
    "waiting",
    "submissions",
    "recovery",
    "identity",
    "media_tidying",
    "unpacking",
    "admin_lists",
    "admin_review",
    "review_selectors",
)


@pytest.mark.skipif(connection.vendor != "postgresql", reason=NO_ROWS)
@pytest.mark.django_db(transaction=True)
def test_jobs_are_requeued_in_the_order_in_which_leases_are_renewed(user: User) -> None:
    """Neither waits for the other with what that one waits for: whoever comes second has locked nothing yet."""
    first, second = job_make(user), job_make(user)
    CaptionJob.objects.filter(pk=first.pk).update(harm_count=0)  # the row moves behind the second one
    locked: list[int] = []

    def requeue() -> None:
        jobs_requeue(CaptionJob.objects.all(), lane=jobs.BULK)
        connection.close()

    with transaction.atomic():
        CaptionJob.objects.select_for_update().get(pk=first.pk)
        thread = threading.Thread(target=requeue)
        thread.start()
        wait_until(_waits_for_a_lock, what="its turn")
        locked += CaptionJob.objects.select_for_update(nowait=True).filter(pk=second.pk).values_list("pk", flat=True)
    thread.join()

    assert locked == [second.pk]
    assert set(CaptionJob.objects.values_list("lane", flat=True)) == {jobs.BULK}


def _waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor == "postgresql", reason="this is the run on PostgreSQL")
def test_what_depends_on_the_database_holds_on_postgresql_too() -> None:
    """Leases, clocks, sweeps, submissions and recovery, and this file, on a PostgreSQL server of the test's own."""
    here = Path(__file__).parent
    files = [file for subject in SUBJECTS for file in here.rglob(f"test_{subject}*.py")]
    assert len(files) >= len(SUBJECTS)
    with postgres() as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *files, "-q", "-p", "no:cacheprovider", "-m", "not slow"],
            env={**os.environ, "TEST_DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert NO_ROWS not in done.stdout, done.stdout
