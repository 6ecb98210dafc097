"""The files of a batch, and the jobs of its photos: what making, unpacking and holding batches is built of."""

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator

from django.core.files import File
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from webapp import jobs
from webapp.accounts.models import User
from webapp.batches.models import Batch, BatchItem
from webapp.batches.zip_reader import Member
from webapp.captioning.models import CaptionJob
from webapp.captioning.services import photo_intake
from webapp.captioning.services.caption_jobs import jobs_publish
from webapp.errors import SiteError
from webapp.photos.errors import PhotoRejected
from webapp.photos.services.photo_storing import NAME_LENGTH
from webapp.photos.tally import is_left_out

log = logging.getLogger(__name__)

LIVE = (Batch.State.UNPACKING, Batch.State.RUNNING)
WANTING = (*LIVE, Batch.State.FAILED)  # what a zip gave before it turned out to be broken is captioned
WAITING = (CaptionJob.State.QUEUED, CaptionJob.State.PAUSED)
ITEMS_AT_ONCE = 500

Outcome = BatchItem.Outcome


def items_create(batch: Batch, members: Iterable[Member]) -> None:
    """A row for each member of a zip."""
    items = [
        BatchItem(
            batch=batch,
            name=member.name,
            key=item_key(member.name),
            outcome=item_refused(member.error_code, member.name) if member.error_code else Outcome.PENDING,
            error_code=member.error_code,
            error_message=member.error_message,
        )
        for member in members
    ]
    BatchItem.objects.bulk_create(items, batch_size=ITEMS_AT_ONCE, ignore_conflicts=True)


def item_key(path: str) -> str:
    """What a file is known by inside its batch: its path below the folder, as the file system gives it."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()


def item_refused(code: str, name: str) -> Outcome:
    return Outcome.LEFT_OUT if is_left_out(code, name) else Outcome.FAILED


def items_pending(batch: Batch) -> Iterator[BatchItem]:
    """Those that are not taken in yet, read a page at a time."""
    items, last = batch.items.filter(outcome=Outcome.PENDING).order_by("pk"), 0
    while page := list(items.filter(pk__gt=last)[:ITEMS_AT_ONCE]):
        yield from page
        last = page[-1].pk


def items_take(
    batch: Batch,
    items: Iterable[BatchItem],
    *,
    file_of: Callable[[BatchItem], File[bytes]],
    proceed: Callable[[], bool],
) -> Iterator[BatchItem]:
    """Takes in one item after the other, and tells the workers of a chunk of them at a time."""
    untold: list[int] = []
    try:
        for item in items:
            if not proceed():
                return
            _item_take(item, batch.owner, file_of)
            if item.photo and item.photo.job.state in WAITING:
                untold.append(item.photo.job.pk)
            if len(untold) >= jobs.CHUNK_SIZE:
                _publish(batch, untold)
                untold = []
            yield item
    finally:
        _publish(batch, untold)


def _item_take(item: BatchItem, owner: User, file_of: Callable[[BatchItem], File[bytes]]) -> None:
    name = item.name.replace("\\", "/").rsplit("/", 1)[-1][-NAME_LENGTH:]
    item.error_code = item.error_message = ""
    try:
        with file_of(item) as file:
            item.photo, created = photo_intake.photo_submit(
                owner=owner, file=file, name=name, lane=jobs.BULK, enqueue=False
            )
        item.sha256 = item.photo.sha256
        item.outcome = _taken(item) if created else _same(item)
    except PhotoRejected as error:
        item.outcome, item.sha256 = item_refused(error.code, name), ""
        item.error_code, item.error_message = error.code, error.message.removeprefix(f"{name}: ")
    except (SiteError, OSError, OperationalError, InterfaceError):
        raise  # nothing of this file alone, such as a full disk: to be tried again
    except Exception:
        log.exception("File %r of batch %d could not be taken in", item.name, item.batch_id)
        item.photo = None
        item.outcome, item.error_code = Outcome.FAILED, "failed"
        item.error_message = (
            "Taking it in failed for a reason that the worker's log tells. Send it once more by itself."
        )
    _item_save(item)


def _taken(item: BatchItem) -> Outcome:
    """TAKEN, or CHANGED where an earlier run took other content under this name."""
    former = BatchItem.objects.filter(batch=item.batch_id, key=item.key).exclude(sha256="").exclude(pk=item.pk)
    return Outcome.CHANGED if former.exists() else Outcome.TAKEN


def _same(item: BatchItem) -> str:
    """SAME, unless another run, at the same time, has taken this very file."""
    now = BatchItem.objects.filter(pk=item.pk, sha256=item.sha256).exclude(photo=None).values_list("outcome", flat=True)
    return now.first() or Outcome.SAME


def _item_save(item: BatchItem) -> None:
    try:
        with transaction.atomic():
            item.save(update_fields=["photo", "sha256", "outcome", "error_code", "error_message"])
    except IntegrityError:  # another run, at the same time, took the same content under this name
        BatchItem.objects.filter(pk=item.pk).delete()


def _publish(batch: Batch, job_ids: list[int]) -> None:
    if not job_ids:
        return
    untold = CaptionJob.objects.filter(pk__in=job_ids)
    with transaction.atomic():
        batches_lock(batch.owner)
        jobs_settle(untold)
    jobs_publish(untold.filter(state=CaptionJob.State.QUEUED))


def batches_lock(owner: User) -> None:
    """Until the transaction ends nobody else changes the owner's batches, which `jobs_settle` goes by."""
    list(Batch.objects.select_for_update().filter(owner=owner).order_by("pk").values_list("pk"))


def jobs_of(batch: Batch) -> QuerySet[CaptionJob]:
    return CaptionJob.objects.filter(photo__in=BatchItem.objects.filter(batch=batch).values("photo"))


def jobs_settle(caption_jobs: QuerySet[CaptionJob]) -> None:
    """Those in the bulk lane that wait follow the batches that hold their photo: queued while one of them goes on, else
    paused while one is paused, else cancelled."""
    waiting = caption_jobs.filter(lane=CaptionJob.Lane.BULK, state__in=WAITING)
    wanted, held = _in_batches(WANTING), _in_batches((Batch.State.PAUSED,))
    waiting.filter(wanted, state=CaptionJob.State.PAUSED).update(state=CaptionJob.State.QUEUED, queued_at=Now())
    waiting.filter(~wanted, held).update(state=CaptionJob.State.PAUSED)
    waiting.filter(~wanted, ~held).update(state=CaptionJob.State.CANCELLED, finished_at=Now())


def _in_batches(states: Iterable[str]) -> Exists:
    return Exists(BatchItem.objects.filter(photo=OuterRef("photo"), batch__state__in=list(states)))
