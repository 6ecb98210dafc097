"""Tidies the data folder: finishes deletions, labels files, and moves files without a row to the lost-and-found.

Such a file may be somebody's only copy. It is removed only after thirty days in the lost-and-found.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from webapp.errors import SiteError
from webapp.photos import storage
from webapp.photos.folder_labels import FILE, label_write
from webapp.photos.lost_and_found import KEPT_DAYS, lost_add, lost_expire, lost_list, lost_return, manifest_write
from webapp.photos.models import Photo
from webapp.photos.services.photo_storing import photo_label
from webapp.photos.services.removals import removals_finish, removals_noted
from webapp.upkeep.selectors import places_named
from webapp.upkeep.services.media_identity import identity_settle

log = logging.getLogger(__name__)

SWEEP_SECONDS: Final = 3600
ROWS_AT_ONCE: Final = 500

T = TypeVar("T")

_sweeping = threading.Lock()
_next_sweep = 0.0


def storage_sweep_hourly() -> None:
    """`storage_sweep`, at most once an hour in this process."""
    global _next_sweep
    with _sweeping:
        if time.monotonic() < _next_sweep:
            return
        _next_sweep = time.monotonic() + SWEEP_SECONDS
    storage_sweep()


def storage_sweep() -> int:
    """Returns the number of folders moved to the lost-and-found.

    If media folder and database do not match, only partial files are removed.
    """
    storage.leftovers_sweep()
    try:
        with storage.tidying():
            return _tidy()
    except SiteError as error:  # another worker, or a recovery
        log.info("%s", error)
        return 0


def _tidy() -> int:
    if problem := identity_settle():
        log.error("%s", problem)
        return 0
    removals_finish()
    orphans = set(storage.folders_old())  # read before the rows: the row of an old folder exists by now
    named = places_named()
    # Notes of deletions are read after the rows: a row that is gone by then has its note.
    orphans -= named.keys() | removals_noted()
    returned = sum(_done(lost_return, lost) for lost in lost_list() if lost.place in named)
    ended = lost_expire(named=named)  # counts the days until now; those of new folders begin now
    added = sum(_done(_add, place) for place in sorted(orphans))
    labels_write(named)
    if added or returned or ended:
        manifest_write(lost_list())
        log.warning(
            "Lost-and-found: %d folders without a row were moved there, %d whose row is back were returned, "
            "%d were removed after %d days. `manage.py recover_media` recovers the folders that are there.",
            added, returned, ended, KEPT_DAYS,
        )  # fmt: skip
    return added


def labels_write(named: dict[str, int]) -> None:
    """Label the folders that earlier versions of Fovea left without labels."""
    bare = {
        named[place]: place
        for place in storage.folders("photos")
        if place in named and not storage.media_path(f"{place}/{FILE}").exists()
    }
    keys = list(bare)
    for start in range(0, len(keys), ROWS_AT_ONCE):
        for photo in Photo.objects.filter(pk__in=keys[start : start + ROWS_AT_ONCE]).select_related("owner"):
            with contextlib.suppress(FileNotFoundError):  # deleted at this moment
                label_write(storage.media_path(bare[photo.pk]), photo_label(photo))


def _add(place: str) -> bool:
    lost_add(place)
    return True


def _done(move: Callable[[T], bool], what: T) -> bool:
    """Move one folder. A folder that cannot be moved does not stop the others."""
    try:
        return move(what)
    except OSError as error:
        log.warning("%s stays where it is: %s", what, error.strerror)
        return False
