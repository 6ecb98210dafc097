"""Checks a photo and stores it as files and a row. Replaces the files of a row if they are missing."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.db import IntegrityError, transaction
from django.utils import timezone

from webapp.accounts.models import User
from webapp.errors import SiteError
from webapp.photos import storage
from webapp.photos.errors import PhotoRejected
from webapp.photos.folder_labels import Label, label_write
from webapp.photos.formats import raw_problem
from webapp.photos.imaging import Inspection, Limits, photo_inspect, size_check
from webapp.photos.models import Photo
from webapp.photos.search_words import search_words
from webapp.processes.sandbox import SandboxCrashed, SandboxError, SandboxHarmed
from webapp.processes.upload_sandbox import upload_sandbox

NAME_LENGTH = 255
UNWRITABLE = {"Cc", "Cs", "Zl", "Zp"}  # Unicode categories: controls, surrogates, line and paragraph separators


@dataclass(frozen=True)
class Stored:
    """A new photo, or one that its owner already had."""

    photo: Photo
    created: bool
    renewed: bool = False  # its files were missing, and the sent files replace them


def photo_store(*, owner: User, file: File[bytes], name: str, settle: Callable[[Stored], None]) -> Stored:
    """Check and store a file. A child process decodes it, outside the transaction.

    Args:
        settle: called in the transaction that writes the row. If it raises, nothing is stored.

    Returns:
        The new photo; or the owner's photo of the same bytes, with new files if its own were missing.

    Raises:
        PhotoRejected: see `errors`; nothing is stored.
        SiteError: no_space; or busy: no child process could check the file.
    """
    name_check(name)
    limits = upload_limits()
    with storage.staging_folder() as folder:
        original = folder / "original"
        try:
            if problem := raw_problem(name):
                raise PhotoRejected("unsupported_format", problem)
            size_check(file.size, limits)
            sha256 = storage.file_write(original, file.chunks())
            existing = _photo_of(owner, sha256)
            if existing and photo_original_there(existing):
                return _settled(existing, settle)
            inspection = photo_checked(original)
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
                    stored = Stored(existing, created=False, renewed=True)
                else:
                    photo = row_create(owner, published, inspection, name=name, sha256=sha256, size=file.size)
                    stored = Stored(photo, created=True)
                settle(stored)
            return stored
        except IntegrityError:  # another upload of the same file was first
            existing = _photo_of(owner, sha256)
            if existing is None:  # not so: the owner was deleted
                raise
            return _settled(existing, settle)


def photo_original_there(photo: Photo) -> bool:
    """Whether the original is there. If not, an upload of the same content replaces it."""
    return storage.media_path(photo.original).is_file()


def photo_checked(path: Path) -> Inspection:
    """Check a file in a child process, which also makes its derivatives.

    Raises:
        PhotoRejected: it is not a photo, or cannot be opened.
        SiteError: busy.
    """
    try:
        return upload_sandbox().run(photo_inspect, path, upload_limits())
    except SandboxCrashed as error:
        problem = f"The picture {error}"
    except SandboxHarmed as error:
        problem = f"Opening the picture {error}"
    except SandboxError as error:
        raise SiteError("busy", "The server is too busy to check the photo. Try again later.") from error
    raise PhotoRejected("unreadable", f"{problem}. Save it again as JPEG or PNG.")


def upload_limits() -> Limits:
    return Limits(max_bytes=settings.UPLOAD_MAX_BYTES, max_pixels=settings.UPLOAD_MAX_PIXELS)


def row_create(owner: User, place: str, inspection: Inspection, *, name: str, sha256: str, size: int) -> Photo:
    """Create the row of a photo whose files are in `place`."""
    return Photo.objects.create(
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
        search_words=search_words(name),
    )


def photo_label(photo: Photo) -> Label:
    return Label(photo.owner.get_username(), photo.name, photo.sha256, photo.created_at.isoformat())


def name_check(name: str) -> None:
    """Raises PhotoRejected (bad_name) for an invalid file name."""
    problem = ""
    if name.strip() in {"", ".", ".."}:
        problem = f"{name!r} is not a file name"
    elif any(character in name for character in "/\\\0"):
        problem = f"{name[:60]!r} contains a slash or a NUL character"
    elif any(unicodedata.category(character) in UNWRITABLE for character in name):
        problem = f"{name[:60]!r} contains a line break or another control character"
    elif len(name) > NAME_LENGTH:
        problem = f"{name[:60]!r}… has {len(name):,} characters; the limit is {NAME_LENGTH}"
    if problem:
        raise PhotoRejected("bad_name", f"{problem}. Rename the file.")


def _photo_of(owner: User, sha256: str) -> Photo | None:
    return Photo.objects.filter(owner=owner, sha256=sha256).first()


def _settled(photo: Photo, settle: Callable[[Stored], None]) -> Stored:
    stored = Stored(photo, created=False)
    with transaction.atomic():
        settle(stored)
    return stored


def _files_renew(photo: Photo, place: str) -> None:
    """Point a photo whose original is missing to the files just sent."""
    photo.original, photo.thumbnail = f"{place}/original", f"{place}/thumbnail.jpg"
    photo.preview = f"{place}/preview.jpg"
    photo.save(update_fields=["original", "thumbnail", "preview"])
