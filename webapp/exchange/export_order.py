"""What a person asks to be exported: which photos, in which form. No database."""

from dataclasses import dataclass
from typing import Final

from django.db.models import TextChoices

from webapp.accounts.models import User
from webapp.batches.models import Batch
from webapp.exchange.export_row import ExportRow
from webapp.photos.models import ReviewState

REVIEWED: Final = (ReviewState.APPROVED, ReviewState.EDITED)


class Format(TextChoices):
    CSV = "csv", "CSV"
    JSONL = "jsonl", "JSON Lines"
    COCO = "coco", "COCO captions"
    TXT = "txt", "Text side-cars"
    XMP = "xmp", "XMP side-cars"


class LeftOut(TextChoices):
    """Why a photo is not exported. The label ends a sentence that begins with a number."""

    NO_TEXT = "no_text", "without a text"
    REJECTED = "rejected", "rejected"
    NOT_REVIEWED = "not_reviewed", "not reviewed"


@dataclass(frozen=True)
class ExportOrder:
    """`owner`: None for the photos of all accounts. The other conditions narrow these photos down.

    `ids`: only photos with these ids; None for no such condition. Ids of other people's photos find nothing.
    `everything`: also rejected texts, and photos without a text.
    """

    format: Format
    owner: User | None
    query: str = ""
    batch: Batch | None = None
    ids: frozenset[int] | None = None
    reviewed: bool = False
    everything: bool = False
    with_photos: bool = False

    def left_out(self, row: ExportRow) -> LeftOut | None:
        """Why the photo is left out. None for one that is exported."""
        if not self.everything and not row.text:
            return LeftOut.NO_TEXT
        if not self.everything and row.review == ReviewState.REJECTED:
            return LeftOut.REJECTED
        if self.reviewed and row.review not in REVIEWED:
            return LeftOut.NOT_REVIEWED
        return None

    @property
    def zipped(self) -> bool:
        return self.with_photos or self.format in {Format.TXT, Format.XMP}

    @property
    def file_name(self) -> str:
        """The name of the download."""
        if self.zipped:
            return f"fovea-{self.format.value}{'-with-photos' if self.with_photos else ''}.zip"
        return {Format.CSV: "captions.csv", Format.JSONL: "metadata.jsonl"}.get(self.format, "captions.json")

    @property
    def content_type(self) -> str:
        if self.zipped:
            return "application/zip"
        texts = {Format.CSV: "text/csv; charset=utf-8", Format.JSONL: "application/jsonl"}
        return texts.get(self.format, "application/json")
