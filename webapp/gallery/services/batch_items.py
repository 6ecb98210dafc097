"""The files of a batch, and the jobs of its photos: what making, unpacking and holding batches is built of."""

from collections.abc import Callable, Iterable, Iterator

from django.core.files import File
from django.db.models import QuerySet
from django.db.models.functions import Now

from webapp import jobs
from webapp.accounts.models import User
from webapp.gallery.archives import Member
from webapp.gallery.errors import PhotoRejected
from webapp.gallery.models import Batch, BatchItem, CaptionJob
from webapp.gallery.services import photos

LIVE = (Batch.State.UNPACKING, Batch.State.RUNNING)
ITEMS_AT_ONCE = 500


def items_create(batch: Batch, members: Iterable[Member]) -> None:
    items = [
        BatchItem(batch=batch, name=member.name, error_code=member.error_code, error_message=member.error_message)
        for member in members
    ]
    BatchItem.objects.bulk_create(items, batch_size=ITEMS_AT_ONCE, ignore_conflicts=True)


def items_take(
    batch: Batch,
    items: QuerySet[BatchItem],
    *,
    file_of: Callable[[BatchItem], File[bytes]],
    proceed: Callable[[], bool],
) -> Iterator[BatchItem]:
    """Takes in one item after the other, and tells the workers of a chunk of them at a time."""
    untold: list[CaptionJob] = []
    last = 0
    try:
        while page := list(items.filter(pk__gt=last).order_by("pk")[:ITEMS_AT_ONCE]):
            for item in page:
                if not proceed():
                    return
                _item_take(item, batch.owner, file_of)
                if item.photo and item.photo.job.state == CaptionJob.State.QUEUED:
                    untold.append(item.photo.job)
                if len(untold) >= jobs.CHUNK_SIZE:
                    _publish(batch, untold)
                    untold = []
                yield item
            last = page[-1].pk
    finally:
        _publish(batch, untold)


def _item_take(item: BatchItem, owner: User, file_of: Callable[[BatchItem], File[bytes]]) -> None:
    name = item.name.replace("\\", "/").rsplit("/", 1)[-1][-photos.NAME_LENGTH :]
    item.error_code = item.error_message = ""
    try:
        with file_of(item) as file:
            item.photo, _ = photos.photo_create(owner=owner, file=file, name=name, lane=jobs.BULK, enqueue=False)
    except PhotoRejected as error:
        item.error_code, item.error_message = error.code, error.message.removeprefix(f"{name}: ")
    item.save(update_fields=["photo", "error_code", "error_message"])


def _publish(batch: Batch, caption_jobs: list[CaptionJob]) -> None:
    """The batch may have been paused or cancelled since its jobs were made: they follow it."""
    state = Batch.objects.values_list("state", flat=True).get(pk=batch.pk)
    if state == Batch.State.PAUSED:
        jobs_of(batch, CaptionJob.State.QUEUED).update(state=CaptionJob.State.PAUSED)
    elif state == Batch.State.CANCELLED:
        jobs_cancel(batch)
    else:
        photos.jobs_publish(caption_jobs)


def jobs_of(batch: Batch, *states: str) -> QuerySet[CaptionJob]:
    """The batch's jobs in the bulk lane, without those that another live batch wants too."""
    others = BatchItem.objects.filter(batch__state__in=LIVE).exclude(batch=batch)
    return CaptionJob.objects.filter(
        photo__in=BatchItem.objects.filter(batch=batch).values("photo"), lane=CaptionJob.Lane.BULK, state__in=states
    ).exclude(photo__in=others.exclude(photo=None).values("photo"))


def jobs_cancel(batch: Batch) -> None:
    waiting = jobs_of(batch, CaptionJob.State.QUEUED, CaptionJob.State.PAUSED)
    waiting.update(state=CaptionJob.State.CANCELLED, finished_at=Now())
