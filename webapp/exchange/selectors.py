"""Reads: the photos of an export, in the order of their ids, some at a time.

The ids are read first, in one query. So a search runs once, the export does not change while it is written, and each
further query reads the next few rows by their key. None of them stays open while a slow client reads.
"""

from array import array
from collections.abc import Iterator, Sequence
from typing import Final

from webapp.batches.models import BatchItem
from webapp.exchange.export_order import ExportOrder
from webapp.exchange.export_row import ExportRow
from webapp.exchange.file_names import FileNames
from webapp.photos.models import Photo
from webapp.photos.search_filter import search_filter

PHOTOS_AT_ONCE: Final = 500
_COLUMNS: Final = (
    "pk", "name", "text", "text_by", "caption__model_version__version", "review_state", "caption__confidence", "sha256",
    "width", "height", "original",
)  # fmt: skip


def export_ids(order: ExportOrder) -> Sequence[int]:
    """The ids of all photos that the order asks for, also of those that it then leaves out. Eight bytes each."""
    photos = Photo.objects.filter(search_filter(order.query))
    if order.owner is not None:
        photos = photos.filter(owner=order.owner)
    if order.batch is not None:
        photos = photos.filter(pk__in=BatchItem.objects.filter(batch=order.batch, photo__isnull=False).values("photo"))
    ids = array("q", photos.order_by("pk").values_list("pk", flat=True).iterator())
    wanted = order.ids
    return ids if wanted is None else array("q", (photo_id for photo_id in ids if photo_id in wanted))


def export_rows(ids: Sequence[int], *, names: FileNames) -> Iterator[list[ExportRow]]:
    """The photos that are still there, `PHOTOS_AT_ONCE` at a time by one query each."""
    for start in range(0, len(ids), PHOTOS_AT_ONCE):
        photos = Photo.objects.filter(pk__in=list(ids[start : start + PHOTOS_AT_ONCE])).order_by("pk")
        rows = []
        for photo_id, name, text, text_by, version, review, confidence, *file in photos.values_list(*_COLUMNS):
            certainty = None if confidence is None else round(confidence, 4)
            wrote = (version, review, certainty) if text_by == Photo.TextBy.MODEL else (None, review, None)
            rows.append(ExportRow(photo_id, names.name(name, photo_id=photo_id), text, text_by, *wrote, *file))
        yield rows
