"""Pages cost the same number of queries for few rows and for many."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.webapp.pages import caption, rows
from tests.webapp.rows import decision_make
from webapp.accounts.models import User
from webapp.batches.models import Batch, BatchItem
from webapp.captioning.models import ModelVersion, WorkerHeartbeat

FEW, MANY = 3, 30


def queries(client: Client, path: str, **query: Any) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path, query).status_code == 200
    return len(captured)


def filled(owner: User, version: ModelVersion, count: int, *, state: str = "running") -> Batch:
    """A batch of `count` photos, captioned and reviewed, and as many failures."""
    batch = Batch.objects.create(owner=owner, name=f"b{count}", source=Batch.Source.ZIP, state=state)
    for photo in rows(owner, count):
        BatchItem.objects.create(batch=batch, name=photo.name, key=photo.name, photo=photo)
        made = caption(photo, version)
        decision_make(made, owner, "approved")
    for number in range(count):
        BatchItem.objects.create(
            batch=batch,
            name=f"bad {number}.jpg",
            key=f"bad {number}.jpg",
            outcome="failed",
            error_code="empty",
            error_message="Empty.",
        )
    return batch


@pytest.mark.parametrize("show", ["photos", "failures"])
def test_batch_page_costs_the_same_for_few_and_for_many(
    media: Path, member: Client, user: User, worker: WorkerHeartbeat, model_version: ModelVersion, show: str
) -> None:
    few, many = (queries(member, f"/batches/{filled(user, model_version, n).pk}/", show=show) for n in (FEW, MANY))
    assert few == many


def test_batches_page_costs_the_same_for_few_and_for_many(
    media: Path, member: Client, user: User, worker: WorkerHeartbeat, model_version: ModelVersion
) -> None:
    filled(user, model_version, FEW)
    few = queries(member, "/batches/")
    for _ in range(10):
        filled(user, model_version, 1)
    assert queries(member, "/batches/") == few


def test_photo_page_costs_the_same_for_few_captions_and_for_many(
    media: Path, member: Client, user: User, worker: WorkerHeartbeat
) -> None:
    counts = []
    for number, photo in zip((FEW, MANY), rows(user, 2), strict=True):
        for _ in range(number):
            version = ModelVersion.objects.create(version=f"{ModelVersion.objects.count():064}", name="m", path="p")
            made = caption(photo, version)
            for decision in ("approved", "rejected"):
                decision_make(made, user, decision)
        counts.append(queries(member, f"/photos/{photo.pk}/"))
    assert counts[0] == counts[1]


def test_state_of_a_batch_page_costs_the_same_for_few_and_for_many(
    media: Path, member: Client, user: User, worker: WorkerHeartbeat, model_version: ModelVersion
) -> None:
    counts = []
    for number in (FEW, 20):
        batch = filled(user, model_version, number)
        seen = [f"{item.photo_id}:queued" for item in batch.items.exclude(photo=None)]
        counts.append(
            queries(
                member, "/state/", seen=seen, seen_batch=f"{batch.pk}:x", seen_grid=f"{batch.pk}:0",
                seen_tabs="all:0:0:0:0", notice="x",
            )
        )  # fmt: skip
    assert counts[0] == counts[1]
