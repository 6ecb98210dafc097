"""Rows that tests of pages need, made without files or a worker; and how a test looks at a page."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.test import Client
from django.utils import timezone

from webapp.accounts.models import User
from webapp.captioning.models import Caption, CaptionJob, ModelVersion
from webapp.captioning.services.texts import texts_settle
from webapp.photos.models import Photo

if TYPE_CHECKING:
    from playwright._impl._api_structures import SetCookieParam

JSON = {"Accept": "application/json"}


def rows(owner: User, count: int, **job: Any) -> list[Photo]:
    """Photos without files."""
    made = []
    for _ in range(count):
        number = Photo.objects.count()
        photo = Photo.objects.create(
            owner=owner, sha256=f"{number:064}", name=f"{number}.jpg", original=f"photos/{number}/original",
            thumbnail="t", preview="p", format="JPEG", width=4, height=3, size_bytes=1,
        )  # fmt: skip
        CaptionJob.objects.create(photo=photo, queued_at=timezone.now(), **job)
        made.append(photo)
    return made


def caption(photo: Photo, version: ModelVersion, text: str = "A dog runs.", **fields: Any) -> Caption:
    CaptionJob.objects.filter(photo=photo).update(state=CaptionJob.State.DONE)
    words = [{"text": word, "log_probability": -0.5} for word in ("a", "dog", "runs")]
    defaults: dict[str, Any] = {
        "confidence": 0.734, "words": words, "alternatives": [{"text": "A cat sits.", "confidence": 0.21}],
        "attention": bytes(range(12)), "attention_shape": [3, 2, 2], "decode_ms": 12.4, "wait_ms": 3.2,
        "model_ms": 45.6,
    }  # fmt: skip
    made = Caption.objects.create(photo=photo, model_version=version, text=text, **defaults | fields)
    texts_settle([photo.pk])
    return made


def page(client: Client, path: str, **query: Any) -> str:
    response = client.get(path, query)
    assert response.status_code == 200
    return response.content.decode()


def session_cookie(client: Client, url: str) -> "SetCookieParam":
    """The login of a client, for a browser."""
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": url}
