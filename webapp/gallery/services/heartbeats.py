"""What workers say of themselves. "No worker is running" is read from here."""

from datetime import timedelta

from django.db.models.functions import Now

from webapp.gallery.models import WorkerHeartbeat

FORGOTTEN_SECONDS = 24 * 3600


def heartbeat_record(
    *,
    name: str,
    device: str,
    model_version_id: int | None,
    captions: int = 0,
    failures: int = 0,
    captioned_now: bool = False,
    error: str = "",
) -> None:
    """The worker `name` lives (`error` empty), or says why it ends or cannot work.

    Args:
        captions, failures: since the worker started.
        captioned_now: it has written a caption since its last heartbeat.
    """
    values = {
        "device": device,
        "model_version_id": model_version_id,
        "captions": captions,
        "failures": failures,
        "error": error,
        "seen_at": Now(),
    }
    if captioned_now:
        values["last_caption_at"] = Now()
    if not WorkerHeartbeat.objects.filter(name=name).update(**values):
        WorkerHeartbeat.objects.create(name=name, started_at=Now(), **values)


def heartbeat_remove(*, name: str) -> None:
    """The worker ended as it was told to."""
    WorkerHeartbeat.objects.filter(name=name).delete()


def heartbeats_forget() -> None:
    """Drop the rows of workers that were killed long ago."""
    WorkerHeartbeat.objects.filter(seen_at__lt=Now() - timedelta(seconds=FORGOTTEN_SECONDS)).delete()
