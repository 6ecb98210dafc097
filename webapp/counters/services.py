"""Keeping the rows of counts few."""

from django.db import connection

from webapp.counters.models import Count

_FOLD = """
WITH gone AS (
    DELETE FROM counters_count WHERE id IN (
        SELECT id FROM counters_count WHERE (counter, subject, label) IN (
            SELECT counter, subject, label FROM counters_count GROUP BY 1, 2, 3 HAVING count(*) > 1 OR sum(n) = 0
        ) ORDER BY id FOR UPDATE SKIP LOCKED
    ) RETURNING counter, subject, label, n
)
INSERT INTO counters_count(counter, subject, label, n)
SELECT counter, subject, label, sum(n) FROM gone GROUP BY 1, 2, 3 HAVING sum(n) <> 0
"""


def counts_fold() -> None:
    """Puts the rows of each sum together. Several workers may do it at once: each takes what no other has locked."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_FOLD)
    elif (empty := Count.objects.filter(n=0)).exists():  # left by subjects that are gone
        empty.delete()
