"""Reading batches. Progress is counted from the rows, by one query, and stored nowhere."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from webapp.accounts.models import User
from webapp.gallery.models import Batch, BatchItem, CaptionJob

State = CaptionJob.State
FAILED = (State.FAILED, State.QUARANTINED)


@dataclass(frozen=True)
class Progress:
    """Counts of a batch's files. Each is in exactly one of the others but `total`."""

    total: int
    captioned: int
    failed: int  # not taken as a photo, or not captioned
    waiting: int  # for a worker, or in its hands
    paused: int
    cancelled: int

    @property
    def untaken(self) -> int:
        """Not unpacked, or not sent by submit_folder, yet."""
        return self.total - self.captioned - self.failed - self.waiting - self.paused - self.cancelled

    @property
    def settled(self) -> int:
        return self.captioned + self.failed + self.cancelled

    @property
    def finished(self) -> bool:
        return self.settled == self.total


def batches_of(owner: User) -> QuerySet[Batch]:
    """An owner's batches, newest first, each counted: see `batch_progress`."""
    return batches_counted().filter(owner=owner)


def batches_counted() -> QuerySet[Batch]:
    """Everybody's, for staff."""
    return Batch.objects.select_related("owner").annotate(**_counts("items__")).order_by("-created_at", "-id")


def batch_progress(batch: Batch) -> Progress:
    """From the counts that a batch of `batches_of` carries, else counted now."""
    if "count_total" in vars(batch):
        row = vars(batch)
    else:
        row = BatchItem.objects.filter(batch=batch).aggregate(**_counts(""))
    return Progress(**{name.removeprefix("count_"): row[name] for name in _counts("")})


def batch_failures(batch: Batch) -> QuerySet[BatchItem]:
    """The files that are no photo, and the photos that have no caption, with their errors; in the batch's order."""
    failures = BatchItem.objects.filter(batch=batch).select_related("photo__job")
    return failures.filter(~Q(error_code="") | Q(photo__job__state__in=FAILED)).order_by("pk")


def _counts(prefix: str) -> dict[str, Any]:
    job = f"{prefix}photo__job__state"
    count = f"{prefix}pk"
    return {
        "count_total": Count(count),
        "count_captioned": Count(count, filter=Q(**{job: State.DONE})),
        "count_failed": Count(count, filter=Q(**{f"{job}__in": FAILED}) | Q(**{f"{prefix}error_code__gt": ""})),
        "count_waiting": Count(count, filter=Q(**{f"{job}__in": (State.QUEUED, State.RUNNING)})),
        "count_paused": Count(count, filter=Q(**{job: State.PAUSED})),
        "count_cancelled": Count(count, filter=Q(**{job: State.CANCELLED})),
    }
