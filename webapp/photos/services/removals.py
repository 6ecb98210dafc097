"""Removes the files of deleted rows. The deletion's transaction notes them, so they are removed even after a crash."""

from django.db import transaction

from webapp.photos import storage
from webapp.photos.models import MediaRemoval


def folder_remove_on_commit(name: str) -> None:
    """Remove a published folder on commit. If this process ends first, the sweep removes it.

    Args:
        name: of the folder, or of a file in it.
    """
    place = storage.folder_place(name)
    MediaRemoval.objects.get_or_create(folder=place)
    transaction.on_commit(lambda: _finish(place))


def removals_finish() -> None:
    """Remove the noted folders that still exist."""
    for place in MediaRemoval.objects.values_list("folder", flat=True):
        _finish(place)


def removals_noted() -> set[str]:
    """The folders noted for removal."""
    return set(MediaRemoval.objects.values_list("folder", flat=True))


def _finish(place: str) -> None:
    storage.folder_remove(place)
    if not storage.media_path(place).exists():
        MediaRemoval.objects.filter(folder=place).delete()
