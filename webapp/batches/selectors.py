"""Reading batches. Progress is counted from the rows, by one query, and stored nowhere."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from webapp.accounts.models import User
from webapp.batches.models import Batch, BatchItem
from webapp.captioning.models import CaptionJob
from webapp.photos.tally import Tally

State = CaptionJob.State
Outcome = BatchItem.Outcome
FAILED = (State.FAILED, State.QUARANTINED)


@dataclass(frozen=True)
class Progress:
    """Counts of a batch's files. Each is in exactly one of the others but `total`. Files that are gone do not count."""

    total: int
    captioned: int
    failed: int  # not taken as a photo, or not captioned
    left_out: int  # no photo to take
    deleted: int  # its photo was deleted since
    waiting: int  # for a worker, or in its hands
    paused: int
    cancelled: int

    @property
    def untaken(self) -> int:
        """Not unpacked, or not sent by submit_folder, yet."""
        return self.total - self.settled - self.waiting - self.paused

    @property
    def settled(self) -> int:
        return self.captioned + self.failed + self.left_out + self.deleted + self.cancelled

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
    return failures.filter(Q(outcome=Outcome.FAILED) | Q(photo__job__state__in=FAILED)).order_by("pk")


def batch_left_out(batch: Batch) -> QuerySet[BatchItem]:
    """The files that are no photo to take, each with the reason; in the batch's order."""
    return BatchItem.objects.filter(batch=batch, outcome=Outcome.LEFT_OUT).order_by("pk")


def batch_tally(batch: Batch) -> Tally:
    """What became of all files that its submissions found."""
    counts, left_out = Counter[str](), Counter[str]()
    rows = batch.items.order_by().values_list("outcome", "error_code").annotate(count=Count("pk"))
    for outcome, code, count in rows:
        counts[outcome] += count
        if outcome == Outcome.LEFT_OUT:
            left_out[code] += count
    return Tally(
        taken=counts[Outcome.TAKEN],
        changed=counts[Outcome.CHANGED],
        same=counts[Outcome.SAME],
        failed=counts[Outcome.FAILED],
        left_out=left_out,
        gone=counts[Outcome.GONE],
        waiting=counts[Outcome.PENDING],
    )


def _counts(prefix: str) -> dict[str, Any]:
    job, outcome = f"{prefix}photo__job__state", f"{prefix}outcome"
    count = f"{prefix}pk"
    refused = Q(**{outcome: Outcome.FAILED})
    deleted = Q(**{f"{prefix}photo": None, f"{outcome}__in": (Outcome.TAKEN, Outcome.CHANGED, Outcome.SAME)})
    return {
        "count_total": Count(count, filter=~Q(**{outcome: Outcome.GONE})),
        "count_captioned": Count(count, filter=Q(**{job: State.DONE})),
        "count_failed": Count(count, filter=Q(**{f"{job}__in": FAILED}) | refused),
        "count_left_out": Count(count, filter=Q(**{outcome: Outcome.LEFT_OUT})),
        "count_deleted": Count(count, filter=deleted),
        "count_waiting": Count(count, filter=Q(**{f"{job}__in": (State.QUEUED, State.RUNNING)})),
        "count_paused": Count(count, filter=Q(**{job: State.PAUSED})),
        "count_cancelled": Count(count, filter=Q(**{job: State.CANCELLED})),
    }
