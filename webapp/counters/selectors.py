"""Reading counts: sums of a few rows, however many rows were counted."""

from collections import Counter as Sums
from collections.abc import Collection

from django.db.models import Sum

from webapp.counters.counter import SEPARATOR, Counter
from webapp.counters.models import Count


def counts_of(counter: Counter, subject: int) -> Sums[tuple[str, ...]]:
    """How many rows a subject has, by the parts of their label."""
    return counts_of_many(counter, [subject])[subject]


def counts_of_many(counter: Counter, subjects: Collection[int]) -> dict[int, Sums[tuple[str, ...]]]:
    """The same for several subjects, by one query."""
    counts: dict[int, Sums[tuple[str, ...]]] = {subject: Sums() for subject in subjects}
    rows = Count.objects.filter(counter=counter.name, subject__in=subjects).values_list("subject", "label")
    for subject, label, count in rows.annotate(count=Sum("n")).order_by():
        counts[subject][tuple(label.split(SEPARATOR))] = count
    return counts


def counts_by_subject(counter: Counter) -> dict[int, Sums[tuple[str, ...]]]:
    """Of all subjects."""
    counts: dict[int, Sums[tuple[str, ...]]] = {}
    rows = Count.objects.filter(counter=counter.name).values_list("subject", "label")
    for subject, label, count in rows.annotate(count=Sum("n")).order_by():
        counts.setdefault(subject, Sums())[tuple(label.split(SEPARATOR))] = count
    return counts
