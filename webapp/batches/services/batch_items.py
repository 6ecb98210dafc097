"""The files of a batch and the jobs of its photos, for the other services of batches."""

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
WANTING = (*LIVE, Batch.State.FAILED)  # photos from a zip that later proved broken are captioned
WAITING = (CaptionJob.State.QUEUED, CaptionJob.State.PAUSED)
ITEMS_AT_ONCE = 500

Outcome = BatchItem.Outcome


def items_create(batch: Batch, members: Iterable[Member]) -> None:
    """Create a row for each member of a zip."""
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
    """The key of a file in its batch: the SHA-256 of its relative path, as the file system gives it."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()


def item_refused(code: str, name: str) -> Outcome:
    return Outcome.LEFT_OUT if is_left_out(code, name) else Outcome.FAILED


def items_pending(batch: Batch) -> Iterator[BatchItem]:
    """The items that are not taken in yet, read in pages."""
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
    """Take in the items one after the other, and publish their jobs in chunks."""
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
        raise  # not this file's fault, for example a full disk: tried again later
    except Exception:
        log.exception("File %r of batch %d could not be taken in", item.name, item.batch_id)
        item.photo = None
        item.outcome, item.error_code = Outcome.FAILED, "failed"
        item.error_message = "It could not be taken in. Send it again separately. The worker's log names the cause."
    _item_save(item)


def _taken(item: BatchItem) -> Outcome:
    """TAKEN, or CHANGED if an earlier run took other content under this name."""
    former = BatchItem.objects.filter(batch=item.batch_id, key=item.key).exclude(sha256="").exclude(pk=item.pk)
    return Outcome.CHANGED if former.exists() else Outcome.TAKEN


def _same(item: BatchItem) -> str:
    """SAME, unless a parallel run has taken this file."""
    now = BatchItem.objects.filter(pk=item.pk, sha256=item.sha256).exclude(photo=None).values_list("outcome", flat=True)
    return now.first() or Outcome.SAME


def _item_save(item: BatchItem) -> None:
    try:
        with transaction.atomic():
            item.save(update_fields=["photo", "sha256", "outcome", "error_code", "error_message"])
    except IntegrityError:  # a parallel run took the same content under this name
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
    """Lock the owner's batches until the transaction ends, because `jobs_settle` depends on their states."""
    list(Batch.objects.select_for_update().filter(owner=owner).order_by("pk").values_list("pk"))


def jobs_of(batch: Batch) -> QuerySet[CaptionJob]:
    return CaptionJob.objects.filter(photo__in=BatchItem.objects.filter(batch=batch).values("photo"))


def jobs_settle(caption_jobs: QuerySet[CaptionJob]) -> None:
    """Set the states of waiting bulk jobs by the batches of their photo: queued if a batch is running, else paused if
    a batch is paused, else cancelled."""
    waiting = caption_jobs.filter(lane=CaptionJob.Lane.BULK, state__in=WAITING)
    wanted, held = _in_batches(WANTING), _in_batches((Batch.State.PAUSED,))
    waiting.filter(wanted, state=CaptionJob.State.PAUSED).update(state=CaptionJob.State.QUEUED, queued_at=Now())
    waiting.filter(~wanted, held).update(state=CaptionJob.State.PAUSED)
    waiting.filter(~wanted, ~held).update(state=CaptionJob.State.CANCELLED, finished_at=Now())


def _in_batches(states: Iterable[str]) -> Exists:
    return Exists(BatchItem.objects.filter(photo=OuterRef("photo"), batch__state__in=list(states)))
