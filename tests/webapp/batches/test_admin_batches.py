"""The staff's pages of batches and their files."""

from django.test import Client

from tests.webapp.rows import photo_make
from tests.webapp.staff_pages import act, html_of
from webapp.accounts.models import User
from webapp.batches.models import Batch, BatchItem
from webapp.captioning.models import CaptionJob

State = CaptionJob.State


def test_batches_show_their_progress_and_lead_to_their_files(page: Client, user: User) -> None:
    batch = Batch.objects.create(owner=user, name="holiday", source=Batch.Source.ZIP)
    inside, outside = photo_make(user, state=State.DONE), photo_make(user)
    BatchItem.objects.create(batch=batch, name="a.jpg", key="a.jpg", photo=inside)
    BatchItem.objects.create(
        batch=batch,
        name="b.txt",
        key="b.txt",
        outcome="failed",
        error_code="not_an_image",
        error_message="b.txt is no image",
    )
    BatchItem.objects.create(batch=batch, name="c.jpg", key="c.jpg")
    html = html_of(page, f"batches/batch/{batch.pk}/change/")
    assert "1 of 3 captioned, 1 wait, 1 failed" in html
    assert f'href="/admin/batches/batchitem/?batch={batch.pk}"' in html
    files = html_of(page, f"batches/batchitem/?batch={batch.pk}")
    for text in ("b.txt is no image", "Not taken in yet", inside.name):
        assert text in files
    assert outside.name not in files


def test_batches_are_paused_resumed_and_cancelled(page: Client, user: User) -> None:
    batch = Batch.objects.create(owner=user, name="holiday", source=Batch.Source.FOLDER)
    assert "1 paused" in act(page, "batch", "pause", batch)
    assert "1 resumed" in act(page, "batch", "resume", batch)
    assert "1 cancelled" in act(page, "batch", "cancel", batch)
    assert "cannot be resumed" in act(page, "batch", "resume", batch)
