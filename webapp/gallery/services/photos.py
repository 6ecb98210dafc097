"""Taking photos in, deleting them, and having them captioned again."""

import logging
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.db import Error, IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from webapp import jobs
from webapp.accounts.models import User
from webapp.gallery import storage
from webapp.gallery.errors import ActionRefused, GalleryError, PhotoRejected
from webapp.gallery.formats import raw_problem
from webapp.gallery.imaging import Inspection, Limits, photo_inspect, size_check
from webapp.gallery.isolation import sandbox
from webapp.gallery.labels import Label, label_write
from webapp.gallery.models import CaptionJob, Photo
from webapp.gallery.outages import outage
from webapp.gallery.services.removals import folder_remove_on_commit
from webapp.gallery.services.waiting import waiting_followed
from webapp.gallery.tally import Tally
from webapp.gallery.uploads import name_sent, too_many_files
from webapp.sandbox import SandboxCrashed, SandboxError, SandboxHarmed

log = logging.getLogger(__name__)

NAME_LENGTH = 255
UNWRITABLE = {"Cc", "Cs", "Zl", "Zp"}  # Unicode's categories: controls, halves of characters, line and paragraph ends
RETRYABLE = (CaptionJob.State.FAILED, CaptionJob.State.QUARANTINED, CaptionJob.State.CANCELLED)


@dataclass(frozen=True)
class Upload:
    """What became of one file of several: its photo, or the error."""

    name: str
    photo: Photo | None = None
    created: bool = False
    error: GalleryError | None = None


def photos_upload(*, owner: User, files: Sequence[File[bytes]]) -> list[Upload]:
    """Takes in the files of one request, one after the other; each has its own error, and none stops its neighbours.

    Raises:
        PhotoRejected: no_file or too_many_files; nothing was stored.
    """
    if not files:
        raise PhotoRejected("no_file", "No file was sent. Choose at least one photo.")
    if len(files) > settings.UPLOAD_MAX_FILES:
        raise too_many_files(f"{len(files):,}")
    uploads: list[Upload] = []
    ailing: GalleryError | None = None  # found out by waiting for long: the next file need not
    for file in files:
        name = name_sent(file)
        try:
            if ailing:
                raise ailing
            photo, created = photo_create(owner=owner, file=file, name=name, enqueue=False)
            uploads.append(Upload(name, photo, created))
        except PhotoRejected as error:
            uploads.append(Upload(name, error=error))
        except (GalleryError, Error) as error:
            problem = error if isinstance(error, GalleryError) else outage(error)
            if problem is None:
                raise
            log.warning("A photo could not be stored: %s", error)
            if problem.code != "no_space":  # a smaller one may yet fit
                ailing = problem
            uploads.append(Upload(name, error=GalleryError(problem.code, f"{name[:60]}: {problem.message}")))
    # Once for all of them: a broker that is silent costs its time-out once.
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


def photo_create(
    *, owner: User, file: File[bytes], name: str, lane: str = jobs.INTERACTIVE, enqueue: bool = True
) -> tuple[Photo, bool]:
    """Validates and stores a file and queues its caption. Nothing is decoded in this process or in the transaction.

    Returns the photo and True; or the owner's photo of the same bytes and False. Its caption is then queued if it had
    been cancelled; where a person sends it, also if a batch holds it back.

    Raises:
        PhotoRejected: see errors; nothing is left behind.
        GalleryError: no_space, or busy where no process can be had to look into the file.
    """
    name_check(name)
    limits = _limits()
    with storage.staging_folder() as folder:
        original = folder / "original"
        try:
            if problem := raw_problem(name):
                raise PhotoRejected("unsupported_format", problem)
            size_check(file.size, limits)
            sha256 = storage.file_write(original, file.chunks())
            existing = _photo_of(owner, sha256)
            if existing and photo_original_there(existing):
                return _wanted_again(existing, lane), False
            inspection = _inspected(original, limits)
        except PhotoRejected as error:
            raise PhotoRejected(error.code, f"{name}: {error.message}") from error
        storage.file_write(folder / "thumbnail.jpg", [inspection.thumbnail])
        storage.file_write(folder / "preview.jpg", [inspection.preview])
        label_write(folder, Label(owner.get_username(), name, sha256, timezone.now().isoformat()))
        published = storage.folder_publish(folder, "photos")
        try:
            with storage.folder_kept(published):
                if existing:
                    _files_renew(existing, published)
                    return _wanted_again(existing, lane), False
                photo = _rows_create(owner, published, inspection, name=name, sha256=sha256, size=file.size, lane=lane)
                if enqueue:
                    transaction.on_commit(lambda: jobs_publish([photo.job]), robust=True)
            return photo, True
        except IntegrityError:  # the same file, uploaded at the same moment, was first
            existing = _photo_of(owner, sha256)
            if existing is None:  # no: the owner was deleted
                raise
            return _wanted_again(existing, lane), False


def photo_original_there(photo: Photo) -> bool:
    """Else a file of the same content takes its place."""
    return storage.media_path(photo.original).is_file()


def _photo_of(owner: User, sha256: str) -> Photo | None:
    return Photo.objects.select_related("job").filter(owner=owner, sha256=sha256).first()


def _files_renew(photo: Photo, place: str) -> None:
    """Gives a photo whose original is missing the files that were just sent; a caption that failed is tried again."""
    photo.original, photo.thumbnail = f"{place}/original", f"{place}/thumbnail.jpg"
    photo.preview = f"{place}/preview.jpg"
    photo.save(update_fields=["original", "thumbnail", "preview"])
    jobs_requeue(CaptionJob.objects.filter(photo=photo, state__in=RETRYABLE), lane=photo.job.lane)


def photo_adopt(*, owner: User, place: str, name: str) -> Photo:
    """Makes the rows of a photo whose files lie in their place without them; missing derivatives are made anew.

    Raises:
        PhotoRejected: it cannot be read.
        GalleryError: busy.
    """
    folder = storage.media_path(place)
    original = folder / "original"
    inspection = _inspected(original, _limits())
    for file, content in (("thumbnail.jpg", inspection.thumbnail), ("preview.jpg", inspection.preview)):
        if not (folder / file).exists():
            storage.file_write(folder / file, [content])
    sha256, size = storage.file_sha256(original), original.stat().st_size
    with transaction.atomic():
        photo = _rows_create(owner, place, inspection, name=name, sha256=sha256, size=size, lane=jobs.BULK)
        transaction.on_commit(lambda: jobs_publish([photo.job]), robust=True)
    return photo


def _rows_create(
    owner: User, place: str, inspection: Inspection, *, name: str, sha256: str, size: int, lane: str
) -> Photo:
    photo = Photo.objects.create(
        owner=owner,
        sha256=sha256,
        name=name,
        original=f"{place}/original",
        thumbnail=f"{place}/thumbnail.jpg",
        preview=f"{place}/preview.jpg",
        format=inspection.format,
        width=inspection.width,
        height=inspection.height,
        size_bytes=size,
    )
    CaptionJob.objects.create(photo=photo, lane=lane, queued_at=Now()).refresh_from_db(fields=["queued_at"])
    return photo


def _limits() -> Limits:
    return Limits(max_bytes=settings.UPLOAD_MAX_BYTES, max_pixels=settings.UPLOAD_MAX_PIXELS)


def photo_label(photo: Photo) -> Label:
    return Label(photo.owner.get_username(), photo.name, photo.sha256, photo.created_at.isoformat())


def name_check(name: str) -> None:
    """Raises PhotoRejected for a file name that cannot be one."""
    problem = ""
    if name.strip() in {"", ".", ".."}:
        problem = f"{name!r} is no name for a file"
    elif any(character in name for character in "/\\\0"):
        problem = f"{name[:60]!r} holds a slash or NUL, which no file name may"
    elif any(unicodedata.category(character) in UNWRITABLE for character in name):
        problem = f"{name[:60]!r} holds a line break or another control character, which cannot be shown"
    elif len(name) > NAME_LENGTH:
        problem = f"{name[:60]!r}… has {len(name):,} characters; the limit is {NAME_LENGTH}"
    if problem:
        raise PhotoRejected("bad_name", f"{problem}. Rename the file.")


def photo_delete(*, photo: Photo) -> None:
    """Deletes the photo with its captions and, once that is certain, its files."""
    with transaction.atomic():
        # Whoever writes its caption at this moment holds the job: after that its caption is there to be deleted too.
        list(CaptionJob.objects.select_for_update().filter(photo=photo).values_list("pk"))
        folder_remove_on_commit(photo.original)
        photo.delete()


def photo_retry(*, photo: Photo, lane: str = jobs.INTERACTIVE) -> None:
    """Queues the caption of a photo that failed, was quarantined or was cancelled, with its counts at zero.

    Raises:
        ActionRefused: not_retryable.
    """
    if not jobs_requeue(CaptionJob.objects.filter(photo=photo, state__in=RETRYABLE), lane=lane):
        raise ActionRefused("not_retryable", f"{photo.name}: only a failed or cancelled caption can be retried.")


def jobs_requeue(caption_jobs: QuerySet[CaptionJob], *, lane: str) -> int:
    """Queues them with their counts at zero, and tells the workers once that is certain. Returns how many."""
    with transaction.atomic():
        # Locked in the order in which workers lock what they hold, or each could wait for the other.
        ids = list(caption_jobs.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
        requeued = caption_jobs.update(
            state=CaptionJob.State.QUEUED,
            lane=lane,
            queued_at=Now(),
            started_at=None,
            finished_at=None,
            lease_expires_at=None,
            lease_count=0,
            harm_count=0,
            error_code="",
            error_message="",
        )
        transaction.on_commit(lambda: jobs.caption_photos_enqueue(ids, queue=lane), robust=True)
    return requeued


def jobs_publish(caption_jobs: Iterable[CaptionJob]) -> bool:
    """Tells the workers of queued jobs. False where the broker did not take the message: the sweep will."""
    lanes: dict[str, list[int]] = {}
    for job in caption_jobs:
        lanes.setdefault(job.lane, []).append(job.pk)
    if jobs.INTERACTIVE in lanes and waiting_followed():
        del lanes[jobs.INTERACTIVE]
    taken = [jobs.caption_photos_enqueue(ids, queue=lane) for lane, ids in lanes.items()]
    return all(taken)


def _wanted_again(photo: Photo, lane: str) -> Photo:
    wanted = Q(state=CaptionJob.State.CANCELLED)
    if lane == jobs.INTERACTIVE:  # a person waits for it now, whatever becomes of the batch
        wanted |= Q(lane=CaptionJob.Lane.BULK, state__in=(CaptionJob.State.QUEUED, CaptionJob.State.PAUSED))
    if jobs_requeue(CaptionJob.objects.filter(wanted, photo=photo), lane=lane):
        photo.job.refresh_from_db()
    return photo


def _inspected(path: Path, limits: Limits) -> Inspection:
    try:
        return sandbox().run(photo_inspect, path, limits)
    except SandboxCrashed as error:
        problem = f"The picture {error}"
    except SandboxHarmed as error:
        problem = f"Opening the picture {error}"
    except SandboxError as error:
        raise GalleryError("busy", f"The photo could not be checked: {error} Try again later.") from error
    raise PhotoRejected("unreadable", f"{problem}. Save it again as JPEG or PNG.")
