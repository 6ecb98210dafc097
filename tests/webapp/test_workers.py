"""Heartbeats, and what the site concludes from them."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now

from tests.photos import photo_store
from webapp.gallery.models import CaptionJob, ModelVersion, WorkerHeartbeat
from webapp.gallery.selectors.workers import Progress, worker_progress, workers_alive
from webapp.gallery.services.heartbeats import heartbeat_record, heartbeat_remove, heartbeats_forget

pytestmark = pytest.mark.django_db


@pytest.fixture
def model_version() -> ModelVersion:
    return ModelVersion.objects.create(version="f" * 64, name="default", path="models/f")


def _beat(model_version: ModelVersion | None, *, name: str = "host:1", error: str = "") -> None:
    heartbeat_record(name=name, device="cpu", model_version_id=model_version.pk if model_version else None, error=error)


def _age(seconds: float) -> None:
    WorkerHeartbeat.objects.update(seen_at=F("seen_at") - timedelta(seconds=seconds))


def test_no_worker_is_running_where_none_ever_beat() -> None:
    assert worker_progress().progress is Progress.NO_WORKER


def test_worker_that_beats_makes_progress(model_version: ModelVersion) -> None:
    _beat(model_version)
    assert worker_progress().ok


def test_worker_that_stopped_beating_is_not_running(model_version: ModelVersion) -> None:
    _beat(model_version)
    _age(16)
    assert worker_progress().progress is Progress.NO_WORKER


def test_worker_that_could_not_load_its_model_tells_why() -> None:
    _beat(None, error="/models/default/vocab.json is missing")
    progress = worker_progress()
    assert progress.progress is Progress.NO_WORKER
    assert "vocab.json is missing" in progress.message


def test_worker_that_could_not_swap_still_runs(model_version: ModelVersion) -> None:
    _beat(model_version, error="the active model does not load")
    assert worker_progress().ok


def test_worker_that_ended_as_told_is_forgotten(model_version: ModelVersion) -> None:
    _beat(model_version)
    heartbeat_remove(name="host:1")
    assert not workers_alive().exists()


def test_heartbeats_of_one_worker_share_a_row(model_version: ModelVersion) -> None:
    _beat(model_version)
    started = WorkerHeartbeat.objects.get().started_at
    heartbeat_record(name="host:1", device="cpu", model_version_id=model_version.pk, captions=3, captioned_now=True)
    row = WorkerHeartbeat.objects.get()
    assert (row.captions, row.started_at) == (3, started)
    assert row.last_caption_at is not None


def test_heartbeats_of_the_long_dead_are_forgotten(model_version: ModelVersion) -> None:
    _beat(model_version, name="dead:1")
    _age(25 * 3600)
    _beat(model_version, name="alive:1")
    heartbeats_forget()
    assert list(WorkerHeartbeat.objects.values_list("name", flat=True)) == ["alive:1"]


@pytest.mark.parametrize(
    ("waiting_seconds", "finished_seconds", "expected"),
    [(90, None, Progress.STALLED), (90, 10, Progress.OK), (10, None, Progress.OK), (90, 120, Progress.STALLED)],
    ids=["nothing finished", "others finished", "waits not long", "finished long ago"],
)
def test_workers_stall_when_photos_wait_and_nothing_is_finished(
    user, model_version: ModelVersion, waiting_seconds: int, finished_seconds: int | None, expected: Progress
) -> None:
    _beat(model_version)
    photo_store(user, b"waiting")
    CaptionJob.objects.update(queued_at=Now() - timedelta(seconds=waiting_seconds))
    if finished_seconds is not None:
        done = photo_store(user, b"done", state="done")
        CaptionJob.objects.filter(photo=done).update(finished_at=Now() - timedelta(seconds=finished_seconds))
    assert worker_progress().progress is expected
