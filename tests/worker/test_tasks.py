"""The tasks, called as Celery calls them."""

from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from tests.photos import photo_store, picture
from tests.webapp.zips import create, pictures, zipped
from webapp import jobs
from webapp.batches.models import Batch
from webapp.captioning.models import CaptionJob, ModelVersion
from worker import running_worker as running_worker_module
from worker import tasks
from worker.running_worker import RunningWorker


@pytest.fixture(autouse=True)
def _running(running_worker: RunningWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_worker_module, "_running", None)
    running_worker_module.running_worker_set(running_worker)


def test_every_task_of_the_contract_is_registered() -> None:
    names = {jobs.CAPTION_PHOTOS, jobs.UNPACK_BATCH, jobs.VERIFY_MODEL}
    assert names <= set(jobs.app.tasks)


def test_caption_task_captions(user) -> None:
    photo = photo_store(user, picture(1))
    tasks.caption_photos(job_ids=[photo.job.pk])
    photo.job.refresh_from_db()
    assert photo.job.state == CaptionJob.State.DONE


def test_verification_task_leaves_an_active_model_alone(model_version: ModelVersion) -> None:
    tasks.verify_model(model_version_id=model_version.pk)
    model_version.refresh_from_db()
    assert model_version.state == ModelVersion.State.ACTIVE


def _zip_that_was_lost(user) -> Batch:
    return Batch.objects.create(
        owner=user,
        name="zip",
        source=Batch.Source.ZIP,
        state=Batch.State.UNPACKING,
        archive="archives/ab/lost/archive.zip",
    )


def test_unpacking_task_unpacks(user) -> None:
    batch = _zip_that_was_lost(user)
    (settings.MEDIA_ROOT / "archives").mkdir(parents=True, exist_ok=True)
    tasks.unpack_batch(batch_id=batch.pk)
    batch.refresh_from_db()
    assert batch.state == Batch.State.FAILED


def test_unpacking_task_leaves_a_zip_waiting_while_the_media_folder_is_away(user, tmp_path: Path) -> None:
    batch = _zip_that_was_lost(user)
    with override_settings(MEDIA_ROOT=tmp_path / "away"), pytest.raises(FileNotFoundError, match="mount it again"):
        tasks.unpack_batch(batch_id=batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.archive) == (Batch.State.UNPACKING, "archives/ab/lost/archive.zip")


def test_unpacking_task_of_a_worker_that_is_told_to_end_leaves_the_rest_to_another(
    running_worker: RunningWorker, user, broker
) -> None:
    batch = create(user, zipped(pictures()))
    running_worker.stopping.set()
    tasks.unpack_batch(batch_id=batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.unpack_lease_expires_at) == (Batch.State.UNPACKING, None)
    assert batch.items.filter(photo=None).count() == batch.items.count()
    assert broker.length(jobs.BULK) == 2  # that of its creation, and this


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
