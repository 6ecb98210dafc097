"""Reading counts: sums of a few rows, however many rows were counted."""

from collections import Counter as Sums
from collections.abc import Collection

from django.db.models import QuerySet, Sum

from webapp.counters.counter import SEPARATOR, Counter
from webapp.counters.models import Count


def counts_of(counter: Counter, subject: int) -> Sums[tuple[str, ...]]:
    """How many rows a subject has, by the parts of their label."""
    return counts_of_many(counter, [subject])[subject]


def counts_of_many(counter: Counter, subjects: Collection[int]) -> dict[int, Sums[tuple[str, ...]]]:
    """The same for several subjects, by one query."""
    found = _summed(_rows(counter).filter(subject__in=subjects))
    return {subject: found.get(subject, Sums()) for subject in subjects}


def counts_by_subject(counter: Counter) -> dict[int, Sums[tuple[str, ...]]]:
    """Of all subjects."""
    return _summed(_rows(counter))


def _rows(counter: Counter) -> QuerySet[Count]:
    return Count.objects.filter(counter=counter.name)


def _summed(rows: QuerySet[Count]) -> dict[int, Sums[tuple[str, ...]]]:
    counts: dict[int, Sums[tuple[str, ...]]] = {}
    for subject, label, count in rows.values_list("subject", "label").annotate(count=Sum("n")).order_by():
        counts.setdefault(subject, Sums())[tuple(label.split(SEPARATOR))] = count
    return counts
