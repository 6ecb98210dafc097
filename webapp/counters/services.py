"""Keeping the rows of counts few."""

from django.db import connection, transaction

from webapp.counters.models import Count
from webapp.counters.triggers import FOLDING_LOCK

_FOLD = """
WITH gone AS (
    DELETE FROM counters_count WHERE id IN (
        SELECT id FROM counters_count WHERE (counter, subject, label) IN (
            SELECT counter, subject, label FROM counters_count GROUP BY 1, 2, 3 HAVING count(*) > 1 OR sum(n) = 0
        )
    ) RETURNING counter, subject, label, n
)
INSERT INTO counters_count(counter, subject, label, n)
SELECT counter, subject, label, sum(n) FROM gone GROUP BY 1, 2, 3 HAVING sum(n) <> 0
"""


def counts_fold() -> None:
    """Puts the rows of each sum together. One process at a time does so."""
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [FOLDING_LOCK])
            if cursor.fetchone()[0]:
                cursor.execute(_FOLD)
    elif (empty := Count.objects.filter(n=0)).exists():  # left by subjects that are gone
        empty.delete()
