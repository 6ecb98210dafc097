"""Rows and files for the tests of API, admin and review."""

import io
import itertools
from collections.abc import Mapping, Sequence

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from webapp.accounts.models import User
from webapp.captioning.models import Caption, CaptionJob, Decision, ModelVersion
from webapp.captioning.services.texts import texts_settle
from webapp.finding.photo_filter import PhotoFilter
from webapp.finding.selectors import FoundPhotos
from webapp.photos.models import Photo

_numbers = itertools.count()


def picture(name: str = "cat.png", *, color: str = "teal") -> SimpleUploadedFile:
    """A small PNG, as a browser or program sends it."""
    content = io.BytesIO()
    Image.new("RGB", (40, 30), color).save(content, "PNG")
    return SimpleUploadedFile(name, content.getvalue(), "image/png")


def photo_make(owner: User, *, state: str = CaptionJob.State.QUEUED, **job: object) -> Photo:
    """A photo with its job; there are no files behind it."""
    number = next(_numbers)
    photo = Photo.objects.create(
        owner=owner, sha256=f"{number:064}", name=f"photo-{number}.jpg", original=f"photos/{number}/original",
        thumbnail=f"photos/{number}/thumbnail.jpg", preview=f"photos/{number}/preview.jpg", format="JPEG",
        width=400, height=300, size_bytes=12345,
    )  # fmt: skip
    CaptionJob.objects.create(photo=photo, state=state, queued_at=timezone.now(), **job)
    return photo


def model_version_make(**values: object) -> ModelVersion:
    defaults = {"version": f"{next(_numbers):064}", "name": "default", "path": "models/default"}
    return ModelVersion.objects.create(**{**defaults, **values})


def caption_make(
    owner: User,
    model_version: ModelVersion,
    *,
    text: str = "a dog runs",
    confidence: float = 0.5,
    photo: Photo | None = None,
    objects: Sequence[Mapping[str, object]] = (),
) -> Caption:
    """A caption of a photo of its own, unless one is given."""
    caption = Caption.objects.create(
        photo=photo or photo_make(owner, state=CaptionJob.State.DONE),
        model_version=model_version,
        text=text,
        confidence=confidence,
        words=[{"text": word, "log_probability": -0.5} for word in text.split()],
        alternatives=[{"text": text, "confidence": confidence}, {"text": "a cat sits", "confidence": 0.1}],
        seen_objects=list(objects),
        decode_ms=1.5,
        wait_ms=2.5,
        model_ms=3.5,
    )
    texts_settle([caption.photo_id])
    caption.photo.refresh_from_db()
    return caption


def names_found(owner: User, query: str) -> list[str]:
    """The names of the photos that a search finds, best first."""
    return [photo.name for photo in FoundPhotos(owner, PhotoFilter(q=query))[:100]]


def decision_make(caption: Caption, reviewer: User, verdict: str, text: str = "") -> Decision:
    """As the services write it, whatever was decided before."""
    decision = Decision.objects.create(caption=caption, reviewer=reviewer, verdict=verdict, text=text)
    texts_settle([caption.photo_id])
    return decision
