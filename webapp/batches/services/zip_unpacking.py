"""Stores a zip as a batch with a row for each file, and unpacks it."""

import io
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from webapp import jobs
from webapp.accounts.models import User
from webapp.batches.errors import BatchRejected
from webapp.batches.models import Batch, BatchItem
from webapp.batches.services.batch_items import (
    items_create,
    items_pending,
    items_take,
)
from webapp.batches.zip_reader import Member, archive_members, member_chunks, name_shown
from webapp.errors import SiteError
from webapp.photos import storage
from webapp.photos.folder_labels import Label, label_write
from webapp.photos.lost_and_found import lost_add
from webapp.photos.services.removals import folder_remove_on_commit
from webapp.processes.sandbox import SandboxError, SandboxHarmed
from webapp.processes.upload_sandbox import upload_sandbox

NOT_THE_FILES_OWN = ("unreadable", "failed")  # a decoder was killed or too slow, or the site failed

# Long enough for one file whose decoder has to be killed.
UNPACK_LEASE_SECONDS = settings.LEASE_SECONDS + settings.ENV["FOVEA_DECODE_TIMEOUT_SECONDS"]

State = Batch.State


def batch_create_from_zip(*, owner: User, file: File[bytes], name: str = "") -> Batch:
    """Store a zip unchanged, with a row for each file in it. A worker unpacks it.

    Raises:
        BatchRejected: nothing is stored.
        SiteError: no_space.
    """
    shown = name_shown(Path(file.name or "").name) or "zip"
    try:
        if file.size > settings.ZIP_MAX_BYTES:
            raise BatchRejected(
                "too_many_bytes",
                f"The zip has {file.size:,} bytes; the limit is {settings.ZIP_MAX_BYTES:,}. Send several smaller ones.",
            )
        with storage.staging_folder() as folder:
            sha256 = storage.file_write(folder / "archive.zip", file.chunks())
            members = _members(folder / "archive.zip", max_files=settings.ZIP_MAX_FILES)
            called = name_shown(name)[:200] or shown[:200]
            label_write(folder, Label(owner.get_username(), called, sha256, timezone.now().isoformat()))
            published = storage.folder_publish(folder, "archives")
            with storage.folder_kept(published):
                return _batch_of_archive(owner, published, members, called)
    except BatchRejected as error:
        raise BatchRejected(error.code, f"{shown}: {error.message}") from error


def batch_create_from_archive(*, owner: User, published: str, name: str) -> Batch:
    """Create the rows of a stored zip that has none.

    Raises:
        BatchRejected: it cannot be unpacked.
    """
    members = _members(storage.media_path(published) / "archive.zip")
    with transaction.atomic():
        return _batch_of_archive(owner, published, members, name)


def batch_unpack(*, batch_id: int, proceed: Callable[[], bool] = lambda: True) -> None:
    """Take in the files of a stored zip that are not taken in yet. Workers call it until the zip is done.

    One process at a time: it holds a lease, and renews it at every file. Even if two processes work, each file is taken
    in once. Ends early if the batch is paused or cancelled, or if `proceed` returns False: then another call continues.
    """
    free = Q(unpack_lease_expires_at=None) | Q(unpack_lease_expires_at__lt=Now())
    if not _unpack_lease(Batch.objects.filter(free, pk=batch_id)):
        return
    mine = Batch.objects.filter(pk=batch_id)
    batch = mine.select_related("owner").get()
    try:
        path = _archive(batch)
        places = {member.name: member.index for member in _members(path)}
        with zipfile.ZipFile(path) as archive:
            for _ in items_take(
                batch,
                items_pending(batch),
                file_of=lambda item: _MemberFile(archive, places[item.name]),
                proceed=lambda: proceed() and _unpack_lease(mine),
            ):
                pass
    except BatchRejected as error:
        _unpack_end(batch, state=State.FAILED, keep=True, error=f"The zip cannot be unpacked: {error} Send it again.")
    except SiteError as error:  # for example a full disk: the lease runs out, and the sweep publishes the zip again
        mine.update(error=error.message)
        raise
    else:
        if not batch.items.filter(outcome=BatchItem.Outcome.PENDING).exists():
            lacking = batch.items.filter(outcome=BatchItem.Outcome.FAILED, error_code__in=NOT_THE_FILES_OWN)
            _unpack_end(batch, state=State.RUNNING, keep=lacking.exists())
        mine.update(unpack_lease_expires_at=None)  # a paused batch can then be resumed at once
        if mine.filter(state=State.UNPACKING).exists():  # resumed before this was noticed
            jobs.batch_unpack_enqueue(batch.pk)


def _batch_of_archive(owner: User, published: str, members: Iterable[Member], name: str) -> Batch:
    batch = Batch.objects.create(
        owner=owner, name=name, source=Batch.Source.ZIP, state=State.UNPACKING, archive=f"{published}/archive.zip"
    )
    items_create(batch, members)
    transaction.on_commit(lambda: jobs.batch_unpack_enqueue(batch.pk), robust=True)
    return batch


class _MemberFile(File[bytes]):
    """A member of a zip, as a file that can be read only once."""

    def __init__(self, archive: zipfile.ZipFile, index: int) -> None:
        super().__init__(io.BytesIO())  # only `chunks` reads the content
        self.size = archive.infolist()[index].file_size
        self._content = member_chunks(archive, index)

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        return self._content


def _archive(batch: Batch) -> Path:
    """Raises BatchRejected if only the zip is missing, FileNotFoundError if the media folder is not mounted."""
    path = storage.media_path(batch.archive)
    if not path.exists():
        if not storage.media_path("archives").is_dir():
            raise FileNotFoundError(f"the media folder {settings.MEDIA_ROOT} is missing: mount it again")
        raise BatchRejected("not_a_zip", "Its file is gone.")
    return path


def _members(path: Path, *, max_files: int = sys.maxsize) -> list[Member]:
    """`max_files`: only for new zips. A stored zip is unpacked even if the limit has been lowered."""
    try:
        return upload_sandbox().run(archive_members, path, max_files=max_files)
    except SandboxHarmed as error:
        raise BatchRejected("corrupt_zip", f"Reading the zip's directory {error}. Pack it again.") from error
    except SandboxError as error:
        raise SiteError("busy", "The server is too busy to check the zip. Try again later.") from error


def _unpack_lease(candidates: QuerySet[Batch]) -> bool:
    """Take or renew the lease. Returns whether that succeeded."""
    end = Now() + timedelta(seconds=UNPACK_LEASE_SECONDS)
    return bool(candidates.filter(state=State.UNPACKING).update(unpack_lease_expires_at=end))


def _unpack_end(batch: Batch, *, state: str, keep: bool, error: str = "") -> None:
    """`keep`: move the zip to the lost-and-found, because photos in it failed through no fault of their own."""
    with transaction.atomic():
        ended = Batch.objects.filter(pk=batch.pk, state=State.UNPACKING).update(
            state=state, error=error, archive="", unpack_lease_expires_at=None
        )
        if ended:
            if keep and batch.archive:
                place = storage.folder_place(batch.archive)
                transaction.on_commit(lambda: lost_add(place), robust=True)
            else:
                folder_remove_on_commit(batch.archive)
