"""The staff's pages of batches and their files."""

from typing import Any

import pytest
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
    assert "1 of 3 captioned, 1 waiting, 1 failed" in html
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


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"outcome__exact": "left_out"}, ["left out"]),
        ({"outcome__exact": "taken"}, ["done", "crashed", "in hand"]),
        ({"job_state": "quarantined"}, ["crashed"]),
        ({"job_state": "queued"}, ["in hand"]),
        ({"error_code": "hidden"}, ["left out"]),
    ],
    ids=str,
)
def test_files_of_a_batch_are_filtered(page: Client, user: User, query: dict[str, Any], shown: list[str]) -> None:
    batch = Batch.objects.create(owner=user, name="holiday", source=Batch.Source.FOLDER)
    states = {"done": State.DONE, "crashed": State.QUARANTINED, "in hand": State.RUNNING}
    for name, state in states.items():
        photo = photo_make(user, state=state)
        BatchItem.objects.create(batch=batch, name=name, key=name, outcome="taken", photo=photo)
    BatchItem.objects.create(batch=batch, name="left out", key="", outcome="left_out", error_code="hidden")
    listed = page.get("/admin/batches/batchitem/", {"batch": batch.pk, **query}).context["cl"].result_list
    assert [item.name for item in listed] == shown
