"""Batches paused, resumed and cancelled, and their progress."""

from pathlib import Path
from typing import Any

import pytest

from tests.brokers import Broker
from tests.pictures import picture, upload
from tests.webapp.conftest import files_of
from tests.webapp.zips import create, pictures, unpacked, zipped
from webapp import jobs
from webapp.accounts.models import User
from webapp.batches.models import Batch, BatchItem
from webapp.batches.selectors import batch_progress, batches_of
from webapp.batches.services.batch_control import batch_cancel, batch_pause, batch_resume
from webapp.captioning.models import CaptionJob
from webapp.captioning.services import photo_intake
from webapp.errors import ActionRefused

State = CaptionJob.State


def test_pause_and_resume_move_the_jobs_that_wait(media: Path, user: User) -> None:
    batch = unpacked(user, zipped(pictures()))
    running = CaptionJob.objects.first()
    assert running
    CaptionJob.objects.filter(pk=running.pk).update(state=State.RUNNING)
    batch_pause(batch=batch)
    assert sorted(CaptionJob.objects.values_list("state", flat=True)) == ["paused"] * 3 + ["running"]
    batch_resume(batch=batch)
    assert sorted(CaptionJob.objects.values_list("state", flat=True)) == ["queued"] * 3 + ["running"]


def test_resume_tells_the_workers(media: Path, user: User, broker: Broker, django_capture_on_commit_callbacks) -> None:
    batch = unpacked(user, zipped(pictures()))
    batch_pause(batch=batch)
    before = broker.length(jobs.BULK)
    with django_capture_on_commit_callbacks(execute=True):
        batch_resume(batch=batch)
    assert broker.length(jobs.BULK) == before + 1


def test_cancel_keeps_what_is_captioned(media: Path, user: User) -> None:
    batch = unpacked(user, zipped(pictures()))
    done = CaptionJob.objects.first()
    assert done
    CaptionJob.objects.filter(pk=done.pk).update(state=State.DONE)
    batch_cancel(batch=batch)
    progress = batch_progress(batch)
    assert (progress.captioned, progress.cancelled, progress.waiting) == (1, 3, 0)


def test_cancel_removes_the_zip(media: Path, user: User, django_capture_on_commit_callbacks) -> None:
    batch = create(user, zipped(pictures()))
    with django_capture_on_commit_callbacks(execute=True):
        batch_cancel(batch=batch)
    assert not files_of(media)


def test_cancel_spares_a_photo_that_its_owner_uploaded_by_hand(media: Path, user: User) -> None:
    photo = photo_intake.photo_submit(owner=user, file=upload(picture("red")), name="mine.jpg")[0]
    batch_cancel(batch=unpacked(user, zipped(pictures())))
    assert CaptionJob.objects.get(photo=photo).state == State.QUEUED


def test_cancel_spares_a_photo_that_another_batch_wants(media: Path, user: User) -> None:
    first, second = unpacked(user, zipped(pictures())), unpacked(user, zipped(pictures()))
    batch_cancel(batch=first)
    assert set(CaptionJob.objects.values_list("state", flat=True)) == {State.QUEUED}
    batch_cancel(batch=second)
    assert set(CaptionJob.objects.values_list("state", flat=True)) == {State.CANCELLED}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (batch_pause, "paused"),
        (batch_pause, "cancelled"),
        (batch_resume, "running"),
        (batch_cancel, "cancelled"),
        (batch_cancel, "failed"),
    ],
)
def test_change_that_does_not_fit_is_refused(media: Path, user: User, change: Any, state: str) -> None:
    batch = Batch.objects.create(owner=user, name="b", source=Batch.Source.ZIP, state=state)
    with pytest.raises(ActionRefused, match=f"b is {state}"):
        change(batch=batch)
    assert Batch.objects.get().state == state


def test_progress_counts_each_file_once(media: Path, user: User, django_assert_num_queries) -> None:
    batch = unpacked(user, zipped(pictures() | {"bad.jpg": b"x"}))
    BatchItem.objects.create(batch=batch, name="later.jpg", key="later.jpg")
    ids = list(CaptionJob.objects.values_list("pk", flat=True))
    for pk, state in zip(ids, (State.DONE, State.FAILED, State.RUNNING, State.PAUSED), strict=True):
        CaptionJob.objects.filter(pk=pk).update(state=state)
    with django_assert_num_queries(1):
        progress = batch_progress(batch)
    assert (progress.total, progress.captioned, progress.failed, progress.waiting) == (6, 1, 2, 1)
    assert (progress.paused, progress.untaken, progress.finished) == (1, 1, False)
    assert batch_progress(batches_of(user).get()) == progress
