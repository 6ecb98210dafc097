"""The workers' heartbeats. Pages read from them whether a worker runs."""

from datetime import timedelta
from typing import Any

from django.db.models import Case, F, Q, When
from django.db.models.functions import Now

from webapp.captioning.models import WorkerHeartbeat

FORGOTTEN_SECONDS = 24 * 3600


def heartbeat_start(*, name: str, device: str) -> None:
    """The worker `name` has begun to load its model.

    In containers all workers may have the same name. If the former worker of this name could not work, its error stays
    until the new one has a model: it may fail the same way.
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
    """The worker `name` is alive. `error`: why it ends or cannot work.

    Args:
        captions, failures: since the worker started. A rise means that it has finished something.
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
    """The worker ended on request."""
    WorkerHeartbeat.objects.filter(name=name).delete()


def heartbeats_forget() -> None:
    """Delete the rows of workers that died long ago, and rows far in the future (the clock was set back)."""
    long = timedelta(seconds=FORGOTTEN_SECONDS)
    WorkerHeartbeat.objects.filter(Q(seen_at__lt=Now() - long) | Q(seen_at__gt=Now() + long)).delete()
