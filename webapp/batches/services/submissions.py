"""Submits folders as batches. A folder can be submitted several times.

An id and the folder's absolute path identify a submission. Raw name and content identify a file in it. Submitting a
folder again therefore takes only new and edited files.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from django.core.files import File
from django.db import transaction
from django.db.models import QuerySet

from webapp import jobs
from webapp.accounts.models import User
from webapp.batches.errors import BatchRejected
from webapp.batches.folder_listing import Found, left_out
from webapp.batches.models import Batch, BatchItem
from webapp.batches.services.batch_items import ITEMS_AT_ONCE, item_key, items_take, jobs_of
from webapp.batches.zip_reader import name_shown
from webapp.captioning.models import CaptionJob
from webapp.captioning.services.caption_jobs import jobs_requeue
from webapp.photos.errors import PhotoRejected
from webapp.photos.services.photo_storing import photo_original_there
from webapp.photos.storage import file_sha256
from webapp.photos.tally import Tally

Outcome = BatchItem.Outcome


def submission_create(
    *, owner: User, folder: Path, found: Sequence[Found], name: str = "", submission: str = ""
) -> tuple[Batch, int]:
    """The batch of a folder, with a row for each file found. Continues the batch of an earlier run.

    Args:
        found: the result of `folder_found`.
        name: for people; if empty, the folder's name.
        submission: an id; if empty, the owner's earlier batch of this folder, or a new one.

    Returns:
        The batch, and the number of files of earlier runs that are no longer in the folder.

    Raises:
        BatchRejected: no_photos, other_submission.
    """
    origin = os.fsencode(folder.resolve()).decode(errors="backslashreplace")
    shown = name_shown(name or folder.resolve().name)[:200]
    if all(file.code for file in found):
        raise BatchRejected("no_photos", f"{folder} holds no photos. {Tally(left_out=left_out(found))}")
    with transaction.atomic():
        batch = _known(owner, origin=origin, name=shown, submission=submission)
        if batch is None:
            given = {"submission": submission} if submission else {}
            batch = Batch.objects.create(owner=owner, name=shown, source=Batch.Source.FOLDER, origin=origin, **given)
        else:
            _go_on(batch, origin=origin, name=shown if name else batch.name)
    return batch, _files_note(batch, found)


def submission_take(
    *,
    batch: Batch,
    folder: Path,
    found: Sequence[Found],
    tally: Tally,
    deleted_too: bool = False,
    step: Callable[[], object] = lambda: None,
) -> Iterator[BatchItem]:
    """Take in the files that no earlier run took with the same content. Yields each finished item.

    Ends early when the batch is cancelled.

    Args:
        tally: counts every file found, including files that need no work.
        deleted_too: also take photos that were deleted in the gallery.
        step: called for each file.
    """
    paths: dict[str, Path] = {}
    mine = Batch.objects.filter(pk=batch.pk)
    files = [file for file in found if not file.code]
    tally.left_out.update(left_out(found))
    for item in items_take(
        batch,
        _items_wanted(batch, folder, files, paths, tally, deleted_too=deleted_too, step=step),
        file_of=lambda item: _opened(paths[item.key]),
        proceed=lambda: mine.exclude(state=Batch.State.CANCELLED).exists(),
    ):
        _count(tally, item)
        step()
        yield item
    if missed := len(found) - tally.found:
        tally.left_out["cancelled"] += missed


def _known(owner: User, *, origin: str, name: str, submission: str) -> Batch | None:
    mine = Batch.objects.filter(owner=owner)
    if submission:
        batch = mine.filter(submission=submission).first()
        if batch and batch.source != Batch.Source.FOLDER:
            raise BatchRejected(
                "other_submission", f"The submission {submission} is the zip {batch.name}. Choose another id."
            )
        return batch
    folders = mine.filter(source=Batch.Source.FOLDER).order_by("-pk")
    # Before migration 0003_identities batches had no origin, only a name.
    return folders.filter(origin=origin).first() or folders.filter(origin="", name=name).first()


def _go_on(batch: Batch, *, origin: str, name: str) -> None:
    batch.origin, batch.name = origin, name
    cancelled = batch.state == Batch.State.CANCELLED
    if cancelled:  # submitting it again revokes the cancellation
        batch.state = Batch.State.RUNNING
    batch.save(update_fields=["origin", "name", "state"])
    if cancelled:
        jobs_requeue(jobs_of(batch).filter(state=CaptionJob.State.CANCELLED), lane=jobs.BULK)


def _files_note(batch: Batch, found: Sequence[Found]) -> int:
    """Update the rows to match the folder's files. Returns the number of files from earlier runs that are gone from the
    folder."""
    known: dict[str, BatchItem | None] = {}  # by key: the row without content yet, if there is one
    for item in batch.items.order_by("pk").only("key", "sha256", "outcome", "error_code").iterator():
        known[item.key] = known.get(item.key) if item.sha256 else item
    new, changed = [], []
    for file in found:
        key = item_key(file.path)
        outcome = Outcome.LEFT_OUT if file.code else Outcome.PENDING
        row = known.pop(key, None) if (is_known := key in known) else None
        if row is not None:
            if (row.outcome, row.error_code) != (outcome, file.code):
                row.outcome, row.error_code, row.error_message = outcome, file.code, file.message
                changed.append(row)
        elif not is_known or file.code:  # a file taken earlier may be left out now
            told = {"outcome": outcome, "error_code": file.code, "error_message": file.message}
            new.append(BatchItem(batch=batch, name=name_shown(file.path), key=key, **told))
    for start in range(0, len(new), ITEMS_AT_ONCE):
        BatchItem.objects.bulk_create(new[start : start + ITEMS_AT_ONCE], ignore_conflicts=True)
    gone = [row for row in known.values() if row is not None and row.outcome != Outcome.GONE]
    for row in gone:
        row.outcome = Outcome.GONE
    changed += gone
    for start in range(0, len(changed), ITEMS_AT_ONCE):
        columns = ["outcome", "error_code", "error_message"]
        BatchItem.objects.bulk_update(changed[start : start + ITEMS_AT_ONCE], columns)
    return len(known)


def _items_wanted(
    batch: Batch,
    folder: Path,
    files: Sequence[Found],
    paths: dict[str, Path],
    tally: Tally,
    *,
    deleted_too: bool,
    step: Callable[[], object],
) -> Iterator[BatchItem]:
    """The rows of files to take. Other files are only counted."""
    for start in range(0, len(files), ITEMS_AT_ONCE):
        page = {item_key(file.path): file for file in files[start : start + ITEMS_AT_ONCE]}
        rows = _rows_by_key(batch.items.filter(key__in=page))
        for key, file in page.items():
            paths[key] = folder / file.path
            done = [row for row in rows[key] if row.sha256]
            same = _same_content(done, paths[key])
            deleted = same is not None and same.photo is None
            if same is None or (deleted and deleted_too) or (same.photo and not photo_original_there(same.photo)):
                yield same or _waiting_row(batch, file, key, rows[key])
            else:
                if deleted:
                    tally.left_out["deleted"] += 1
                else:
                    tally.same += 1
                step()


def _rows_by_key(items: QuerySet[BatchItem]) -> dict[str, list[BatchItem]]:
    rows = defaultdict[str, list[BatchItem]](list)
    for item in items.select_related("photo").order_by("pk"):
        rows[item.key].append(item)
    return rows


def _same_content(rows: Sequence[BatchItem], path: Path) -> BatchItem | None:
    if not rows:
        return None
    try:
        sha256 = file_sha256(path)
    except OSError:  # reported when the file is opened later
        return None
    return next((row for row in rows if row.sha256 == sha256), None)


def _waiting_row(batch: Batch, file: Found, key: str, rows: Sequence[BatchItem]) -> BatchItem:
    waiting = next((row for row in rows if not row.sha256), None)
    if waiting is not None:
        return waiting
    row, _ = BatchItem.objects.get_or_create(batch=batch, key=key, sha256="", defaults={"name": name_shown(file.path)})
    return row


def _count(tally: Tally, item: BatchItem) -> None:
    match item.outcome:
        case Outcome.TAKEN:
            tally.taken += 1
        case Outcome.CHANGED:
            tally.changed += 1
        case Outcome.SAME:
            tally.same += 1
        case Outcome.LEFT_OUT:
            tally.left_out[item.error_code] += 1
        case _:
            tally.failed += 1


def _opened(path: Path) -> File[bytes]:
    try:
        return File(path.open("rb"))
    except FileNotFoundError as error:
        raise PhotoRejected("unreadable", "The file is no longer in the folder. Put it back.") from error
    except OSError as error:
        raise PhotoRejected(
            "unreadable", f"The file cannot be read ({error.strerror}). Give this account access."
        ) from error
