"""Pauses, resumes and cancels batches."""

from collections.abc import Iterable

from django.db import transaction

from webapp import jobs
from webapp.accounts.models import User
from webapp.batches.models import Batch
from webapp.batches.services.batch_items import LIVE, batches_lock, jobs_of, jobs_settle
from webapp.captioning.models import CaptionJob
from webapp.errors import ActionRefused
from webapp.photos.services.removals import folder_remove_on_commit

State = Batch.State


def batch_pause(*, batch: Batch) -> None:
    """Pause the waiting photos that only this batch wants. Workers finish the photos that they have begun.

    Raises:
        ActionRefused: wrong_state.
    """
    with transaction.atomic():
        _state_change(batch, LIVE, State.PAUSED, "paused")


def batch_resume(*, batch: Batch) -> None:
    """Raises ActionRefused."""
    with transaction.atomic():
        rows = jobs_of(batch).filter(state=CaptionJob.State.PAUSED)
        paused = list(rows.values_list("pk", flat=True)[: jobs.PUBLISH_LIMIT])
        _state_change(batch, (State.PAUSED,), State.UNPACKING if batch.archive else State.RUNNING, "resumed")
        transaction.on_commit(lambda: jobs.caption_photos_enqueue(paused, queue=jobs.BULK), robust=True)
        if batch.archive:
            transaction.on_commit(lambda: jobs.batch_unpack_enqueue(batch.pk), robust=True)


def batch_cancel(*, batch: Batch) -> None:
    """Keep existing captions, cancel the waiting photos that only this batch wants, and drop the rest of a zip.

    Raises:
        ActionRefused: wrong_state.
    """
    archive = batch.archive
    with transaction.atomic():
        _state_change(batch, (*LIVE, State.PAUSED), State.CANCELLED, "cancelled")
        if archive:
            Batch.objects.filter(pk=batch.pk).update(archive="", unpack_lease_expires_at=None)
            folder_remove_on_commit(archive)


def zips_drop_of(*, user: User, **_: object) -> None:
    """Cancel an account's batches whose zip is still stored. This removes the zips."""
    for batch in Batch.objects.filter(owner=user).exclude(archive=""):
        batch_cancel(batch=batch)


def _state_change(batch: Batch, before: Iterable[str], after: str, word: str) -> None:
    batches_lock(batch.owner)
    if not Batch.objects.filter(pk=batch.pk, state__in=list(before)).update(state=after):
        batch.refresh_from_db(fields=["state"])
        raise ActionRefused(
            "wrong_state",
            f"{batch.name} is {batch.get_state_display().lower()}, so it cannot be {word}. Reload the page.",
        )
    batch.state = after
    jobs_settle(jobs_of(batch))
