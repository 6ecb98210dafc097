"""Removes what crashes left behind: files without a row, and what was half written."""

import logging
import threading
import time
from pathlib import PurePosixPath
from typing import Final

from webapp.gallery import storage
from webapp.gallery.models import Batch, Photo

log = logging.getLogger(__name__)

SWEEP_SECONDS: Final = 3600
MANY: Final = 100

_sweeping = threading.Lock()
_next_sweep = 0.0


def storage_sweep_hourly() -> None:
    """`storage_sweep`, at most once an hour in this process, however often it is asked."""
    global _next_sweep
    with _sweeping:
        if time.monotonic() < _next_sweep:
            return
        _next_sweep = time.monotonic() + SWEEP_SECONDS
    storage_sweep()


def storage_sweep() -> int:
    """Removes the folders that no row names, if they are an hour old. Returns how many.

    They come from a process that was killed between the files and the row of an upload, or between the row and the
    files of a deletion. One query for each kind reads all names, for which there is no index.
    """
    storage.leftovers_sweep()
    removed = 0
    for kind, names in (
        ("photos", Photo.objects.values_list("original", flat=True)),
        ("archives", Batch.objects.exclude(archive="").values_list("archive", flat=True)),
    ):
        orphans = set(storage.folders_old(kind))  # before the rows are read: a row is never younger than its old folder
        total = len(orphans)
        if orphans:
            orphans.difference_update(str(PurePosixPath(name).parent) for name in names.iterator())
        if len(orphans) > max(MANY, total // 2):
            log.error(
                "%d of %d folders in %s have no row in the database; nothing is removed. Is it the right database "
                "(FOVEA_DATABASE_URL) for this media folder? If it is, remove the files yourself.",
                len(orphans), total, storage.media_path(kind),
            )  # fmt: skip
            continue
        for name in sorted(orphans):
            storage.folder_remove(name)
        removed += len(orphans)
    if removed:
        log.warning("Removed %d folders of files that no photo or batch names", removed)
    return removed
