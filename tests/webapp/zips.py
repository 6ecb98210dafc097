"""Zips that tests make, and what became of them."""

import io
import zipfile
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from tests.pictures import picture
from webapp.accounts.models import User
from webapp.batches.models import Batch
from webapp.batches.services.zip_unpacking import batch_create_from_zip, batch_unpack

COLOURS = ("red", "blue", "green", "black")


def zipped(members: dict[str, bytes] | list[tuple[Any, bytes]], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items() if isinstance(members, dict) else members:
            archive.writestr(name, content)
    return buffer.getvalue()


def pictures() -> dict[str, bytes]:
    return {f"{colour}.jpg": picture(colour) for colour in COLOURS}


def create(owner: User, content: bytes, name: str = "holiday.zip") -> Batch:
    return batch_create_from_zip(owner=owner, file=SimpleUploadedFile(name, content))


def unpacked(owner: User, content: bytes) -> Batch:
    batch = create(owner, content)
    batch_unpack(batch_id=batch.pk)
    batch.refresh_from_db()
    return batch


def errors(batch: Batch) -> dict[str, str]:
    return dict(batch.items.exclude(error_code="").values_list("name", "error_code"))
