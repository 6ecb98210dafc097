"""Creates the rows of files that have none, from the labels beside the files."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from django.db import IntegrityError

from webapp.accounts.models import User
from webapp.batches.models import Batch
from webapp.batches.services.zip_unpacking import batch_create_from_archive
from webapp.captioning.services.photo_intake import photo_adopt
from webapp.data_folder.outages import outage
from webapp.errors import SiteError
from webapp.photos import storage
from webapp.photos.folder_labels import Label, content_of, label_read, label_write
from webapp.photos.lost_and_found import Lost, lost_add, lost_list, lost_remove, lost_return, manifest_write
from webapp.photos.models import Photo
from webapp.photos.services.photo_storing import name_check, photo_label
from webapp.photos.services.removals import removals_finish, removals_noted
from webapp.upkeep.selectors import places_named
from webapp.upkeep.services.media_identity import identity_adopt

SETTLED_SECONDS = 60  # the row of a younger folder may still be unwritten
PATIENCE_SECONDS = 30.0  # wait for a sweep to end


class Outcome(Enum):
    RECOVERED = "recovered"
    SAME = "there already"
    NO_ACCOUNT = "without an account"
    FAILED = "failed"


@dataclass(frozen=True)
class Recovered:
    """The result, or planned result, for one folder. `message` says why it is not recovered."""

    kind: str
    label: Label
    outcome: Outcome
    message: str = ""


@contextlib.contextmanager
def recovering() -> Iterator[list[Lost]]:
    """Gives the result of `media_lost` for `media_recover`. Meanwhile no sweep or other recovery moves folders.

    Raises:
        SiteError: busy.
    """
    with storage.tidying(seconds=PATIENCE_SECONDS):
        yield media_lost()


def media_lost() -> list[Lost]:
    """The folders that no row names: in the lost-and-found, and still in their place."""
    in_place = set(
        storage.folders_old(SETTLED_SECONDS)
    )  # folders, then rows, then notes of deletions: this order is safe
    in_place -= places_named().keys() | removals_noted()
    return sorted([*lost_list(), *map(_in_place, in_place)], key=lambda lost: (lost.kind, lost.label.stored_at))


def media_recover(
    *, lost: list[Lost], others_to: User | None = None, dry_run: bool = False, adopt: bool = True
) -> Iterator[Recovered]:
    """Recover one folder after the other: the photo or batch with its owner, name and time. Captions are written anew.

    Once each has its rows, or is in the gallery already, media folder and database are paired.

    Args:
        lost: from `recovering`, within that context.
        others_to: the account that gets the files of missing accounts.
        dry_run: yield the planned results, and change nothing.
        adopt: pair media folder and database at the end. False if `lost` is only a part.
    """
    if not dry_run:
        removals_finish()
    without = 0
    users: dict[str, User | None] = {}
    for each in lost:
        name = each.label.owner
        if name not in users:
            users[name] = User.objects.filter(username=name).first() if name else None
        owner = users[name] or others_to
        if owner is None:
            without += 1
            account = f"There is no account {name!r}." if name else "Its owner is unknown."
            yield Recovered(
                each.kind, each.label, Outcome.NO_ACCOUNT, f"{account} Name an account to own it with --user."
            )
        else:
            yield _recovered(each, owner, dry_run=dry_run)
    if dry_run:
        return
    manifest_write(lost_list())
    if adopt and not without:
        identity_adopt()


def _in_place(place: str) -> Lost:
    folder = storage.media_path(place)
    content = content_of(folder)
    label = label_read(folder) or (Label(sha256=storage.file_sha256(content)) if content else Label())
    return Lost(folder=folder, kind=place.split("/", maxsplit=1)[0], label=label, found_at="", days_left=0)


def _recovered(lost: Lost, owner: User, *, dry_run: bool) -> Recovered:
    recover = _photo_recover if lost.kind == "photos" else _archive_recover
    try:
        outcome = recover(lost, owner, dry_run=dry_run)
    except SiteError as error:
        message = error.message
        if not dry_run:
            lost_add(lost.place)
    except OSError as error:  # for example a full disk
        message = problem.message if (problem := outage(error)) else f"It cannot be read ({error.strerror})."
    else:
        return Recovered(lost.kind, lost.label, outcome)
    return Recovered(lost.kind, lost.label, Outcome.FAILED, f"{message} The file is kept.")


def _photo_recover(lost: Lost, owner: User, *, dry_run: bool) -> Outcome:
    content = content_of(lost.folder)
    if content is None:
        raise SiteError("unreadable", "Its original is missing.")
    sha256 = storage.file_sha256(content)
    existing = Photo.objects.filter(owner=owner, sha256=sha256).first()
    if existing is not None and _whole(existing):
        if not dry_run and _folder_of(existing) != lost.folder:
            lost_remove(lost)  # the gallery has the same bytes in another folder
        return Outcome.SAME
    if dry_run:
        return Outcome.RECOVERED
    if existing is not None:
        _files_give(existing, lost)
        return Outcome.RECOVERED
    _return(lost)
    created_at = None
    with contextlib.suppress(ValueError):  # its time is unknown
        created_at = datetime.fromisoformat(lost.label.stored_at)
    try:
        photo = photo_adopt(owner=owner, place=lost.place, name=_name(lost.label, sha256), created_at=created_at)
    except IntegrityError:  # its owner has just uploaded it
        lost_add(lost.place)
        return Outcome.SAME
    label_write(_folder_of(photo), photo_label(photo))
    return Outcome.RECOVERED


def _archive_recover(lost: Lost, owner: User, *, dry_run: bool) -> Outcome:
    if content_of(lost.folder) is None:
        raise SiteError("unreadable", "Its zip is missing.")
    if Batch.objects.filter(archive__startswith=f"{lost.place}/").exists():
        return Outcome.SAME
    if not dry_run:
        _return(lost)
        batch_create_from_archive(owner=owner, published=lost.place, name=lost.label.name or "Recovered zip")
    return Outcome.RECOVERED


def _return(lost: Lost) -> None:
    if lost.folder != storage.media_path(lost.place) and not lost_return(lost):
        raise SiteError("unreadable", "Another file is in its place.")


def _folder_of(photo: Photo) -> Path:
    return storage.media_path(photo.original).parent


def _whole(photo: Photo) -> bool:
    """Whether the photo's own file is there and unchanged."""
    try:
        return storage.file_sha256(storage.media_path(photo.original)) == photo.sha256
    except OSError:
        return False


def _files_give(photo: Photo, lost: Lost) -> None:
    """Give a row without files the lost folder of the same photo."""
    folder = _folder_of(photo)
    if folder.exists():
        raise SiteError("unreadable", f"The files of {photo.name} are damaged. Restore {photo.original} by hand.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    lost.folder.rename(folder)


def _name(label: Label, sha256: str) -> str:
    try:
        name_check(label.name)
    except SiteError:
        return f"recovered-{sha256[:8]}"
    return label.name
