"""Takes in photos to be captioned, each with its job. Deletes photos with their captions."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.files import File
from django.db import Error, transaction
from django.db.models import Q

from webapp import jobs
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob
from webapp.captioning.services.caption_jobs import RETRYABLE, job_create, jobs_publish, jobs_requeue
from webapp.data_folder.outages import outage
from webapp.errors import SiteError
from webapp.photos import storage
from webapp.photos.errors import PhotoRejected
from webapp.photos.models import Photo
from webapp.photos.services.photo_storing import Stored, photo_checked, photo_store, row_create
from webapp.photos.services.removals import folder_remove_on_commit
from webapp.photos.tally import Tally
from webapp.photos.upload_parser import name_sent, too_many_files

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Upload:
    """The result for one of several files: its photo, or the error."""

    name: str
    photo: Photo | None = None
    created: bool = False
    error: SiteError | None = None


def photos_upload(*, owner: User, files: Sequence[File[bytes]]) -> list[Upload]:
    """Take in the files of one request, one after the other. Each file has its own result.

    Raises:
        PhotoRejected: no_file or too_many_files; nothing was stored.
    """
    if not files:
        raise PhotoRejected("no_file", "No file was sent. Choose at least one photo.")
    if len(files) > settings.UPLOAD_MAX_FILES:
        raise too_many_files(f"{len(files):,}")
    uploads: list[Upload] = []
    ailing: SiteError | None = None  # found after a long wait: the next files do not wait again
    for file in files:
        name = name_sent(file)
        try:
            if ailing:
                raise ailing
            photo, created = photo_submit(owner=owner, file=file, name=name, enqueue=False)
            uploads.append(Upload(name, photo, created))
        except PhotoRejected as error:
            uploads.append(Upload(name, error=error))
        except (SiteError, Error) as error:
            problem = error if isinstance(error, SiteError) else outage(error)
            if problem is None:
                raise
            log.warning("A photo could not be stored: %s", error)
            if problem.code != "no_space":  # a smaller file may still fit
                ailing = problem
            uploads.append(Upload(name, error=SiteError(problem.code, f"{name[:60]}: {problem.message}")))
    # One call for all files: a silent broker then costs its time-out once.
    jobs_publish(upload.photo.job for upload in uploads if upload.photo and upload.created)
    return uploads


def uploads_tally(uploads: Iterable[Upload]) -> Tally:
    tally = Tally()
    for upload in uploads:
        if upload.error:
            tally.refused(upload.error.code, upload.name)
        elif upload.created:
            tally.taken += 1
        else:
            tally.same += 1
    return tally


def photo_submit(
    *, owner: User, file: File[bytes], name: str, lane: str = jobs.INTERACTIVE, enqueue: bool = True
) -> tuple[Photo, bool]:
    """Take in a file and queue its caption.

    Returns the photo and True; or the owner's photo of the same bytes and False. That photo is queued again if its
    caption was cancelled, and in the interactive lane also if a batch still holds it.

    Raises:
        PhotoRejected, SiteError: see `photo_store`.
    """

    def settle(stored: Stored) -> None:
        if stored.created:
            job = job_create(photo=stored.photo, lane=lane)
            if enqueue:
                transaction.on_commit(lambda: jobs_publish([job]), robust=True)
            return
        if stored.renewed:  # a failed caption is tried again
            jobs_requeue(CaptionJob.objects.filter(photo=stored.photo, state__in=RETRYABLE), lane=stored.photo.job.lane)
        _wanted_again(stored.photo, lane)

    stored = photo_store(owner=owner, file=file, name=name, settle=settle)
    return stored.photo, stored.created


def photo_adopt(*, owner: User, place: str, name: str, created_at: datetime | None = None) -> Photo:
    """Create the rows of a photo whose files are in place without rows. Makes missing derivatives.

    Args:
        created_at: time of the upload; None: now.

    Raises:
        PhotoRejected: the photo cannot be read.
        SiteError: busy.
    """
    folder = storage.media_path(place)
    original = folder / "original"
    inspection = photo_checked(original)
    for file, content in (("thumbnail.jpg", inspection.thumbnail), ("preview.jpg", inspection.preview)):
        if not (folder / file).exists():
            storage.file_write(folder / file, [content])
    sha256, size = storage.file_sha256(original), original.stat().st_size
    with transaction.atomic():
        photo = row_create(owner, place, inspection, name=name, sha256=sha256, size=size)
        if created_at:
            photo.created_at = created_at
            photo.save(update_fields=["created_at"])
        job = job_create(photo=photo, lane=jobs.BULK)
        transaction.on_commit(lambda: jobs_publish([job]), robust=True)
    return photo


def photo_delete(*, photo: Photo) -> None:
    """Delete the photo with its captions, and its files on commit."""
    with transaction.atomic():
        # Waits for a worker that is just writing the caption, so that this caption is deleted too.
        list(CaptionJob.objects.select_for_update().filter(photo=photo).values_list("pk"))
        folder_remove_on_commit(photo.original)
        photo.delete()


def photos_delete_of(*, user: User, **_: object) -> None:
    """Delete all photos of an account, one by one, with their files."""
    for photo in Photo.objects.filter(owner=user):
        photo_delete(photo=photo)


def _wanted_again(photo: Photo, lane: str) -> None:
    wanted = Q(state=CaptionJob.State.CANCELLED)
    if lane == jobs.INTERACTIVE:  # a person waits for it now, regardless of the batch
        wanted |= Q(lane=CaptionJob.Lane.BULK, state__in=(CaptionJob.State.QUEUED, CaptionJob.State.PAUSED))
    if jobs_requeue(CaptionJob.objects.filter(wanted, photo=photo), lane=lane):
        photo.job.refresh_from_db()
