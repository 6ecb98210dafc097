"""The tasks, called as Celery calls them."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from tests.photos import photo_store, picture
from webapp import jobs
from webapp.gallery.models import Batch, CaptionJob, ModelVersion
from worker import runtime as runtimes
from worker import tasks
from worker.runtime import Runtime


@pytest.fixture(autouse=True)
def _running(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "_running", None)
    runtimes.runtime_set(runtime)


def test_every_task_of_the_contract_is_registered() -> None:
    names = {jobs.CAPTION_PHOTOS, jobs.UNPACK_BATCH, jobs.VERIFY_MODEL, jobs.SWEEP}
    assert names <= set(jobs.app.tasks)


def test_caption_task_captions(user) -> None:
    photo = photo_store(user, picture(1))
    tasks.caption_photos(job_ids=[photo.job.pk])
    photo.job.refresh_from_db()
    assert photo.job.state == CaptionJob.State.DONE


def test_sweep_task_frees_what_a_dead_worker_held(user) -> None:
    photo = photo_store(user, picture(1), state="running")
    CaptionJob.objects.update(lease_expires_at=Now() - timedelta(seconds=1))
    tasks.sweep()
    photo.job.refresh_from_db()
    assert photo.job.state == CaptionJob.State.QUEUED


def test_verification_task_leaves_an_active_model_alone(model_version: ModelVersion) -> None:
    tasks.verify_model(model_version_id=model_version.pk)
    model_version.refresh_from_db()
    assert model_version.state == ModelVersion.State.ACTIVE


def _zip_that_was_lost(user) -> Batch:
    return Batch.objects.create(
        owner=user, name="zip", source=Batch.Source.ZIP, state=Batch.State.UNPACKING, archive="zips/lost.zip"
    )


def test_unpacking_task_unpacks(user) -> None:
    batch = _zip_that_was_lost(user)
    tasks.unpack_batch(batch_id=batch.pk)
    batch.refresh_from_db()
    assert batch.state == Batch.State.FAILED


def test_unpacking_task_leaves_threads_to_photos(user, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = _zip_that_was_lost(user)
    while tasks._unpacking.acquire(blocking=False):
        pass
    tasks.unpack_batch(batch_id=batch.pk)
    while True:
        try:
            tasks._unpacking.release()
        except ValueError:
            break
    batch.refresh_from_db()
    assert batch.state == Batch.State.UNPACKING
