"""Files below the media folder. What is not complete is never seen, and what has no row is taken to the lost-and-found.

The files of one photo share a folder with a generated name. It is written below `incoming/`, flushed to the disk and
renamed into place as a whole. What a crash leaves in `incoming/` is removed an hour later. An hour may pass at
once, where the clock is set, so a process that writes holds a lock too. What a crash leaves in place without a
row is kept: see `upkeep/services/media_tidying.py` and `lost_and_found.py`.
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
    """The file that a row names, which must lie below the media folder."""
    root = Path(settings.MEDIA_ROOT).resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise ValueError(f"{name!r} lies outside the media folder")
    return path


@contextlib.contextmanager
def staging_folder() -> Iterator[Path]:
    """A new folder below `incoming/`, gone at the end unless it was published. A full disk becomes a SiteError.

    Until the end no sweep and no recovery touches it, also where it was published: its row may be about to be written.
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
    """Writes `path` and flushes it to the disk. Returns the content's sha256 as hex."""
    digest = hashlib.sha256()
    with path.open("xb") as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def text_replace(path: Path, text: str) -> None:
    """Writes a small file whole or not at all, and flushes it to the disk; one that is there is replaced."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)  # of a process of this number that was killed
    file_write(partial, [text.encode("utf-8", "replace")])
    partial.replace(path)


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_publish(folder: Path, kind: str) -> str:
    """Moves a staged folder to its place below `kind`. Returns its path below the media folder."""
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
    """The transaction that writes the rows that are to name a published folder, which is removed if they cannot be.

    What fails at COMMIT may have been committed all the same, so that is left to the housekeeping; unless the database
    refused it: for lack of space, or because of other rows.
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
    """The published folder that a name means: its own or that of a file in it.

    Raises ValueError for the name of anything else: above a published folder lie those of other photos.
    """
    parts = PurePosixPath(name).parts
    if len(parts) not in {PUBLISHED_PARTS, PUBLISHED_PARTS + 1}:
        raise ValueError(f"{name!r} names no published folder and no file in one")
    return "/".join(parts[:PUBLISHED_PARTS])


def folder_remove(name: str) -> None:
    """Removes a published folder, of its own name or of the name of a file in it. It may be gone already."""
    shutil.rmtree(media_path(folder_place(name)), ignore_errors=True)


def folders(*kinds: str) -> Iterator[str]:
    """The published folders of these kinds, or of all, in no order."""
    for kind in kinds or KINDS:
        for folder in (Path(settings.MEDIA_ROOT) / kind).glob("*/*"):
            if folder.is_dir():
                yield f"{kind}/{folder.parent.name}/{folder.name}"


def folders_old(seconds: float = ORPHAN_SECONDS) -> Iterator[str]:
    """The published folders that are old enough for their row to have been written, and that nobody is writing for."""
    oldest = time.time() - seconds
    for name in folders():
        with contextlib.suppress(FileNotFoundError):  # deleted at this moment
            if media_path(name).stat().st_mtime < oldest and not _held(media_path(name)):
                yield name


@contextlib.contextmanager
def tidying(*, seconds: float = 0) -> Iterator[None]:
    """One process at a time moves folders that have rows or lack them. Waits so long for another one.

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
    """Removes what processes that were killed had half written: of photos, of models and of their exports."""
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
    """No sweep takes the folder for a leftover, however old it looks. The kernel ends that with the process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks: there its age alone tells
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def _held(path: Path) -> bool:
    """Whether a living process writes there: see `_holding`."""
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
