"""Reads: batches. Progress is the sum of counts that the database keeps: see `counters.py`."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from webapp.accounts.models import User
from webapp.batches.counters import ITEMS
from webapp.batches.models import Batch, BatchItem
from webapp.captioning.models import CaptionJob
from webapp.counters.selectors import counts_of_many
from webapp.photos.tally import Tally

State = CaptionJob.State
Outcome = BatchItem.Outcome
Counts = Counter[tuple[str, ...]]  # by outcome, error code and state of the photo's job
FAILED = (State.FAILED, State.QUARANTINED)


@dataclass(frozen=True)
class Progress:
    """Counts of a batch's files. Each file is in one count besides `total`. Files that are gone do not count."""

    total: int
    captioned: int
    failed: int  # rejected as a photo, or could not be captioned
    left_out: int  # not a photo
    deleted: int  # its photo was deleted later
    waiting: int  # waiting for a worker, or being captioned
    paused: int
    cancelled: int

    @property
    def untaken(self) -> int:
        """Files that are not taken in yet, from the zip or by submit_folder."""
        return self.total - self.settled - self.waiting - self.paused

    @property
    def settled(self) -> int:
        return self.captioned + self.failed + self.left_out + self.deleted + self.cancelled

    @property
    def finished(self) -> bool:
        return self.settled == self.total


def batches_of(owner: User) -> QuerySet[Batch]:
    """An owner's batches, newest first."""
    return batches_all().filter(owner=owner)


def batches_all() -> QuerySet[Batch]:
    """All batches, for staff."""
    return Batch.objects.select_related("owner").order_by("-created_at", "-id")


def batches_counted(batches: Iterable[Batch]) -> list[Batch]:
    """Read the counts of several batches in one query, for the functions below."""
    rows = list(batches)
    counts = counts_of_many(ITEMS, [batch.pk for batch in rows])
    for batch in rows:
        batch.counts = counts[batch.pk]  # type: ignore[attr-defined]
    return rows


def batch_progress(batch: Batch) -> Progress:
    progress = Counter[str]()
    for (outcome, _, state), count in _counts(batch).items():
        progress[_standing(outcome, state)] += count
        progress["total"] += count if outcome != Outcome.GONE else 0
    return Progress(**{name: progress[name] for name in Progress.__dataclass_fields__})


def batch_tally(batch: Batch) -> Tally:
    """The results of all files that the batch's submissions found."""
    counts, left_out = Counter[str](), Counter[str]()
    for (outcome, code, _), count in _counts(batch).items():
        counts[outcome] += count
        if outcome == Outcome.LEFT_OUT:
            left_out[code] += count
    return Tally(
        taken=counts[Outcome.TAKEN],
        changed=counts[Outcome.CHANGED],
        same=counts[Outcome.SAME],
        failed=counts[Outcome.FAILED],
        left_out=+left_out,
        gone=counts[Outcome.GONE],
        waiting=counts[Outcome.PENDING],
    )


def batch_failures(batch: Batch) -> QuerySet[BatchItem]:
    """Rejected files and photos without a caption, with their errors, in the batch's order."""
    failures = BatchItem.objects.filter(batch=batch, problem=BatchItem.Problem.FAILED)
    return failures.select_related("photo__job").order_by("pk")


def batch_left_out(batch: Batch) -> QuerySet[BatchItem]:
    """Left out files, each with the reason, in the batch's order."""
    return BatchItem.objects.filter(batch=batch, problem=BatchItem.Problem.LEFT_OUT).order_by("pk")


def batch_photo_ids(batch: Batch) -> QuerySet[Any, int]:
    """The photos of a batch, newest first, each once."""
    items = BatchItem.objects.filter(batch=batch, photo__isnull=False)
    return items.order_by("-photo_id").values_list("photo_id", flat=True).distinct()


def batch_photos_count(batch: Batch) -> int:
    """The number of files with a photo. Two files may share one photo."""
    return sum(count for (_, _, state), count in _counts(batch).items() if state)


def batch_items_count(batch: Batch) -> int:
    return sum(_counts(batch).values())


def batch_failures_count(batch: Batch) -> int:
    counts = _counts(batch).items()
    return sum(count for (outcome, _, state), count in counts if outcome == Outcome.FAILED or state in FAILED)


def _counts(batch: Batch) -> Counts:
    if "counts" not in vars(batch):
        batches_counted([batch])
    counts: Counts = vars(batch)["counts"]
    return counts


def _standing(outcome: str, state: str) -> str:
    """The field of `Progress` that counts a file."""
    match outcome, state:
        case _, State.DONE:
            return "captioned"
        case _, State.FAILED | State.QUARANTINED:
            return "failed"
        case _, State.QUEUED:
            return "waiting"
        case _, State.PAUSED:
            return "paused"
        case _, State.CANCELLED:
            return "cancelled"
        case Outcome.FAILED, _:
            return "failed"
        case Outcome.LEFT_OUT, _:
            return "left_out"
        case ((Outcome.TAKEN | Outcome.CHANGED | Outcome.SAME), _):
            return "deleted"
    return "untaken"
