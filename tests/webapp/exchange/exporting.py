"""Photos with known ids, texts and files, and how a test reads an export."""

import io
import zipfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpResponseBase
from django.utils import timezone

from webapp.accounts.models import User
from webapp.captioning.models import Caption, CaptionJob, Decision, ModelVersion
from webapp.captioning.services.texts import texts_settle
from webapp.exchange.export_order import ExportOrder, Format
from webapp.exchange.services.exports import Export
from webapp.photos.models import Photo

VERSION = "f" * 64
DAY_ONE = (1980, 1, 1, 0, 0, 0)


def photo_add(
    owner: User,
    photo_id: int,
    *,
    name: str = "",
    text: str = "",
    verdict: str = "",
    person: str = "",
    content: bytes = b"",
) -> Photo:
    """A photo, captioned if there is a `text`, and decided on if there is a `verdict`. A file only with `content`."""
    photo = Photo.objects.create(
        pk=photo_id, owner=owner, sha256=f"{photo_id:064}", name=name or f"photo-{photo_id}.jpg",
        original=f"photos/00/{photo_id}/original", thumbnail="t", preview="p", format="JPEG", width=40, height=30,
        size_bytes=1,
    )  # fmt: skip
    CaptionJob.objects.create(photo=photo, state=CaptionJob.State.DONE, queued_at=timezone.now())
    if content:
        path = Path(settings.MEDIA_ROOT) / photo.original
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    if text:
        version, _ = ModelVersion.objects.get_or_create(
            version=VERSION, defaults={"name": "default", "path": "models/f"}
        )
        caption = Caption.objects.create(
            photo=photo, model_version=version, text=text, confidence=0.123456, words=[], decode_ms=1, wait_ms=1,
            model_ms=1,
        )  # fmt: skip
        if verdict:
            Decision.objects.create(caption=caption, reviewer=owner, verdict=verdict, text=person)
        texts_settle([photo.pk])
    return photo


def exported(owner: User | None, form: Format | str, **order: Any) -> bytes:
    return b"".join(Export(ExportOrder(format=Format(form), owner=owner, **order)).parts())


def unzipped(content: bytes) -> dict[str, bytes]:
    """By name. Raises where a checksum is wrong or a name stands twice."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        assert len(set(names)) == len(names)
        return {name: archive.read(name) for name in names}


def downloaded(response: HttpResponseBase) -> bytes:
    assert response.status_code == 200
    return b"".join(response)
