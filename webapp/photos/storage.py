"""Files in the media folder. They appear only when complete. Files without a row go to the lost-and-found.

The files of one photo share a folder with a generated name. It is written in `incoming/`, flushed to the disk and
renamed into place as a whole. Leftovers of a crash in `incoming/` are removed an hour later. A process that writes
there also holds a lock, because a set clock can make an hour pass at once. A folder that a crash left in place without
a row is kept: see `upkeep/services/media_tidying.py` and `lost_and_found.py`.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.db import IntegrityError, transaction

from webapp.data_folder.disk_room import room_check
from webapp.data_folder.outages import disk_full, outage
from webapp.errors import SiteError

ORPHAN_SECONDS = 3600
PUBLISHED_PARTS = 3  # kind, two digits, folder
KINDS = ("photos", "archives")


def media_path(name: str) -> Path:
    """The path of a file that a row names. It must be inside the media folder."""
    root = Path(settings.MEDIA_ROOT).resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise ValueError(f"{name!r} lies outside the media folder")
    return path


@contextlib.contextmanager
def staging_folder() -> Iterator[Path]:
    """A new folder in `incoming/`, removed at the end unless it was published. A full disk raises SiteError.

    Until the end no sweep and no recovery touches it, even once it is published: its row may still be unwritten.
    """
    room_check()
    folder = Path(settings.MEDIA_ROOT) / "incoming" / uuid.uuid4().hex
    try:
        folder.mkdir(parents=True)
        with _holding(folder):
            yield folder
    except OSError as error:
        if full := outage(error):
            raise full from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def file_write(path: Path, chunks: Iterable[bytes]) -> str:
    """Write `path` and flush it to the disk. Returns the content's SHA-256 as hex."""
    digest = hashlib.sha256()
    with path.open("xb") as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def text_replace(path: Path, text: str) -> None:
    """Write a small file atomically and flush it to the disk. Replaces an older one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)  # left by a killed process with the same id
    file_write(partial, [text.encode("utf-8", "replace")])
    partial.replace(path)


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_publish(folder: Path, kind: str) -> str:
    """Move a staged folder to its place in `kind`. Returns its path relative to the media folder."""
    name = f"{kind}/{folder.name[:2]}/{folder.name}"
    target = Path(settings.MEDIA_ROOT) / name
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)
    try:
        for changed in (target, target.parent):
            _folder_sync(changed)
    except BaseException:
        folder_remove(name)
        raise
    return name


@contextlib.contextmanager
def folder_kept(name: str) -> Iterator[None]:
    """A transaction that writes the rows of a published folder. If it fails, the folder is removed.

    If COMMIT fails, the rows may have been committed anyway. Then the folder stays, and the sweep decides later. If the
    database refused the rows, for lack of space or because of other rows, the folder is removed.
    """
    committing = False
    try:
        with transaction.atomic():
            yield
            committing = True
    except BaseException as error:
        if not committing or disk_full(error) or isinstance(error, IntegrityError):
            folder_remove(name)
        raise


def folder_place(name: str) -> str:
    """The published folder of a name, which names the folder or a file in it.

    Raises ValueError for any other name: a parent folder holds the folders of other photos.
    """
    parts = PurePosixPath(name).parts
    if len(parts) not in {PUBLISHED_PARTS, PUBLISHED_PARTS + 1}:
        raise ValueError(f"{name!r} names no published folder and no file in one")
    return "/".join(parts[:PUBLISHED_PARTS])


def folder_remove(name: str) -> None:
    """Remove a published folder, named by itself or by a file in it. It may already be gone."""
    shutil.rmtree(media_path(folder_place(name)), ignore_errors=True)


def folders(*kinds: str) -> Iterator[str]:
    """The published folders of these kinds, or of all kinds, unordered."""
    for kind in kinds or KINDS:
        for folder in (Path(settings.MEDIA_ROOT) / kind).glob("*/*"):
            if folder.is_dir():
                yield f"{kind}/{folder.parent.name}/{folder.name}"


def folders_old(seconds: float = ORPHAN_SECONDS) -> Iterator[str]:
    """Published folders that are older than `seconds` and not locked: their row should exist by now."""
    oldest = time.time() - seconds
    for name in folders():
        with contextlib.suppress(FileNotFoundError):  # deleted at this moment
            if media_path(name).stat().st_mtime < oldest and not _held(media_path(name)):
                yield name


@contextlib.contextmanager
def tidying(*, seconds: float = 0) -> Iterator[None]:
    """Lets one process at a time move folders. Waits up to `seconds` for another process.

    Raises:
        SiteError: busy.
    """
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    give_up = time.monotonic() + seconds
    descriptor = os.open(root, os.O_RDONLY)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    raise SiteError(
                        "busy", "Another process is tidying the media folder. Try again in a minute."
                    ) from None
                time.sleep(0.2)
            except OSError:  # a file system without locks
                break
            else:
                break
        yield
    finally:
        os.close(descriptor)


def leftovers_sweep() -> None:
    """Remove the partial files of killed processes: of photos, models and exports."""
    oldest = time.time() - ORPHAN_SECONDS
    places = (
        (Path(settings.MEDIA_ROOT) / "incoming", "*"),
        (settings.MODELS_DIR, ".*"),
        (settings.CACHE_DIR, "*.partial"),
    )
    for path in (path for folder, pattern in places for path in folder.glob(pattern)):
        with contextlib.suppress(FileNotFoundError):  # another process was first
            if path.stat().st_mtime < oldest and not _held(path):
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


@contextlib.contextmanager
def _holding(folder: Path) -> Iterator[None]:
    """Lock the folder, so that no sweep removes it, even if it looks old. The lock ends with the process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks: only the age counts
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def _held(path: Path) -> bool:
    """Whether a living process holds the lock of `_holding`."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _folder_sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
