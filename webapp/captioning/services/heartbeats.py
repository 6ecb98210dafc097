"""What workers say of themselves. "No worker is running" is read from here."""

from datetime import timedelta
from typing import Any

from django.db.models import Case, F, Q, When
from django.db.models.functions import Now

from webapp.captioning.models import WorkerHeartbeat

FORGOTTEN_SECONDS = 24 * 3600


def heartbeat_start(*, name: str, device: str) -> None:
    """The worker `name` has begun to load its model.

    In a container all have one name. Where a former one of it could not work, what that said stands until there is a
    model: the next may fare no better.
    """
    former = WorkerHeartbeat.objects.filter(name=name)
    if not former.filter(model_version=None).exclude(error="").exists():
        former.delete()
        heartbeat_record(name=name, device=device, model_version_id=None)


def heartbeat_record(
    *,
    name: str,
    device: str,
    model_version_id: int | None,
    captions: int = 0,
    failures: int = 0,
    error: str = "",
) -> None:
    """The worker `name` lives (`error` empty), or says why it ends or cannot work.

    Args:
        captions, failures: since the worker started; where they rose, it has finished something meanwhile.
    """
    values: dict[str, Any] = {
        "device": device,
        "model_version_id": model_version_id,
        "captions": captions,
        "failures": failures,
        "error": error,
        "seen_at": Now(),
    }
    captioned, failed = Q(captions__lt=captions), Q(failures__lt=failures)
    if not WorkerHeartbeat.objects.filter(name=name).update(
        last_caption_at=Case(When(captioned, then=Now()), default=F("last_caption_at")),
        last_finish_at=Case(When(captioned | failed, then=Now()), default=F("last_finish_at")),
        **values,
    ):
        WorkerHeartbeat.objects.create(name=name, started_at=Now(), **values)


def heartbeat_remove(*, name: str) -> None:
    """The worker ended as it was told to."""
    WorkerHeartbeat.objects.filter(name=name).delete()


def heartbeats_forget() -> None:
    """Drop the rows of workers that were killed long ago; or long from now, by a clock that was set back since."""
    long = timedelta(seconds=FORGOTTEN_SECONDS)
    WorkerHeartbeat.objects.filter(Q(seen_at__lt=Now() - long) | Q(seen_at__gt=Now() + long)).delete()
