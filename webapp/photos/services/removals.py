"""Files whose row a person deleted. They are noted with the deletion, so that no crash leaves them behind as lost."""

from django.db import transaction

from webapp.photos import storage
from webapp.photos.models import MediaRemoval


def folder_remove_on_commit(name: str) -> None:
    """Removes a published folder once the transaction is committed; the sweep does where this process ends first.

    Args:
        name: of the folder, or of a file in it.
    """
    place = storage.folder_place(name)
    MediaRemoval.objects.get_or_create(folder=place)
    transaction.on_commit(lambda: _finish(place))


def removals_finish() -> None:
    """Removes what was noted and is still there."""
    for place in MediaRemoval.objects.values_list("folder", flat=True):
        _finish(place)


def removals_noted() -> set[str]:
    """The folders that are to go."""
    return set(MediaRemoval.objects.values_list("folder", flat=True))


def _finish(place: str) -> None:
    storage.folder_remove(place)
    if not storage.media_path(place).exists():
        MediaRemoval.objects.filter(folder=place).delete()
