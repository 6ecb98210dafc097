"""What fails through no fault of a photo's: it is tried again later, and nothing is held against it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import DataError, OperationalError, connection
from django.db.models import F
from django.db.models.functions import Now

from tests.brokers import Broker
from tests.photos import photo_store, picture
from tests.worker.child_functions import raised
from tests.worker.harmful_sandbox import HarmfulSandbox, caption_all
from webapp import jobs
from webapp.captioning.models import CaptionJob
from webapp.captioning.services import leases
from webapp.photos.models import Photo
from webapp.upkeep.services.lost_work_sweep import sweep
from worker.running_worker import RunningWorker

State = CaptionJob.State


def test_photo_is_tried_again_later_when_no_child_can_be_started(
    running_worker: RunningWorker, user, monkeypatch: pytest.MonkeyPatch, broker: Broker
) -> None:
    photo = photo_store(user, picture(1))
    monkeypatch.setattr("webapp.processes.sandbox.START_SECONDS", 0)
    running_worker.photo_sandbox = HarmfulSandbox(abs, 1)  # type: ignore[assignment]
    caption_all(running_worker, photo)
    _assert_later(photo, broker)


def test_photo_is_tried_again_later_when_there_are_too_many_open_files(
    running_worker: RunningWorker, user, monkeypatch: pytest.MonkeyPatch, broker: Broker
) -> None:
    def pipe() -> None:
        raise OSError(24, "Too many open files")

    photo = photo_store(user, picture(1))
    monkeypatch.setattr("webapp.processes.sandbox._spawn.Pipe", pipe)
    running_worker.photo_sandbox = HarmfulSandbox(abs, 1)  # type: ignore[assignment]
    caption_all(running_worker, photo)
    _assert_later(photo, broker)


@pytest.mark.parametrize("error", [PermissionError(13, "denied"), OSError(5, "Input/output error")])
def test_photo_that_the_machine_cannot_read_is_tried_again_later_uncounted(
    running_worker: RunningWorker, user, broker: Broker, error: OSError
) -> None:
    photo = photo_store(user, picture(1))
    running_worker.photo_sandbox = HarmfulSandbox(raised, error)  # type: ignore[assignment]
    caption_all(running_worker, photo)
    _assert_later(photo, broker)


def test_photo_is_tried_again_later_where_the_media_folder_is_away(
    running_worker: RunningWorker, user, broker: Broker
) -> None:
    photo = photo_store(user, picture(1))
    photos = settings.MEDIA_ROOT / "photos"
    photos.rename(photos.with_name("away"))
    caption_all(running_worker, photo)
    _assert_later(photo, broker)
    photos.with_name("away").rename(photos)
    caption_all(running_worker, photo)
    assert photo.job.state == State.DONE


def test_photo_that_the_database_has_no_room_for_is_tried_again_later_uncounted(
    running_worker: RunningWorker, user, monkeypatch: pytest.MonkeyPatch, broker: Broker
) -> None:
    photo = photo_store(user, picture(1))
    monkeypatch.setattr(leases, "captions_record", _failing(OperationalError("database or disk is full")))
    with pytest.raises(OperationalError):
        caption_all(running_worker, photo)
    _assert_later(photo, broker)


def test_photo_whose_caption_is_refused_is_counted_and_its_lease_runs_out(
    running_worker: RunningWorker, user, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = photo_store(user, picture(1))
    monkeypatch.setattr(leases, "captions_record", _failing(DataError("value out of range")))
    with pytest.raises(DataError):
        caption_all(running_worker, photo)
    photo.job.refresh_from_db()
    assert not running_worker.held  # it is not renewed
    assert (photo.job.state, photo.job.lease_count) == (State.RUNNING, 1)


def test_leases_that_the_database_does_not_take_back_run_out(running_worker: RunningWorker, user) -> None:
    photos = [photo_store(user, picture(seed)) for seed in range(3)]
    updates: list[str] = []

    def refuse(execute: Any, sql: str, *arguments: Any) -> Any:
        updates.extend([sql] * sql.startswith("UPDATE"))
        if len(updates) > 1:  # from the first result on
            raise OperationalError("database is locked")
        return execute(sql, *arguments)

    with connection.execute_wrapper(refuse), pytest.raises(OperationalError):
        caption_all(running_worker, *photos)
    assert not running_worker.held  # none is renewed for ever
    assert CaptionJob.objects.filter(state=State.RUNNING).count() == 3


def _failing(error: Exception) -> Callable[..., None]:
    def record(**values: object) -> None:
        raise error

    return record


def _assert_later(photo: Photo, broker: Broker) -> None:
    """It waits, no message stands for it yet, and no sweep publishes one before a lease would have run out."""
    photo.job.refresh_from_db()
    assert (photo.job.state, photo.job.lease_count, photo.job.harm_count) == (State.QUEUED, 0, 0)
    CaptionJob.objects.update(queued_at=Now() - timedelta(seconds=60))
    sweep()
    assert broker.length(jobs.INTERACTIVE) == 0
    CaptionJob.objects.update(lease_expires_at=F("lease_expires_at") - timedelta(seconds=settings.LEASE_SECONDS))
    sweep()
    assert broker.length(jobs.INTERACTIVE) == 1
