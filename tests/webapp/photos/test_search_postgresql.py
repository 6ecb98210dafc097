"""Search on PostgreSQL: the same files, on a server of the test's own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests.databases import postgres


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor == "postgresql", reason="this is the run on PostgreSQL")
def test_search_finds_the_same_on_postgresql() -> None:
    here = Path(__file__).parent
    files = [here / f"test_{subject}.py" for subject in ("search_filter", "search_index", "admin_search")]
    with postgres() as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *files, "-q", "-p", "no:cacheprovider", "-m", ""],
            env={**os.environ, "TEST_DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
