"""Unpacking that is cut off, doubled or disturbed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models.functions import Now
from django.test import TestCase

from tests.brokers import Broker
from tests.webapp.zips import create, errors, pictures, unpacked, zipped
from webapp import jobs
from webapp.accounts.models import User
from webapp.batches.models import Batch, BatchItem
from webapp.batches.services import zip_unpacking
from webapp.batches.services.batch_control import batch_cancel, batch_pause, batch_resume
from webapp.batches.services.zip_unpacking import batch_unpack
from webapp.captioning.models import CaptionJob
from webapp.captioning.services import photo_intake
from webapp.errors import SiteError
from webapp.photos.errors import PhotoRejected
from webapp.photos.models import Photo
from webapp.processes.sandbox import Sandbox

State = CaptionJob.State


def test_unpack_goes_on_where_a_killed_worker_stopped(media: Path, user: User, monkeypatch) -> None:
    batch = create(user, zipped(pictures()))
    real = photo_intake.photo_submit
    taken: list[str] = []

    def dies_at_the_third(**kwargs: Any) -> Any:
        if len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(kwargs["name"])
        return real(**kwargs)

    monkeypatch.setattr(photo_intake, "photo_submit", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        batch_unpack(batch_id=batch.pk)
    monkeypatch.undo()
    media_settings(media, monkeypatch)
    Batch.objects.update(unpack_lease_expires_at=Now() - timedelta(seconds=1))
    batch_unpack(batch_id=batch.pk)
    assert (Photo.objects.count(), BatchItem.objects.filter(photo=None).count()) == (4, 0)
    assert Batch.objects.get().state == Batch.State.RUNNING


def media_settings(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "MEDIA_ROOT", media)


def test_unpack_leaves_a_batch_alone_that_another_has_in_hand(media: Path, user: User) -> None:
    batch = create(user, zipped(pictures()))
    Batch.objects.update(unpack_lease_expires_at=Now() + timedelta(seconds=30))
    batch_unpack(batch_id=batch.pk)
    assert not Photo.objects.exists()


def test_unpack_of_a_finished_batch_does_nothing(media: Path, user: User) -> None:
    batch = unpacked(user, zipped(pictures()))
    batch_unpack(batch_id=batch.pk)
    assert Photo.objects.count() == 4


@pytest.mark.parametrize(
    ("change", "jobs_state", "state"),
    [(batch_pause, State.PAUSED, Batch.State.PAUSED), (batch_cancel, State.CANCELLED, Batch.State.CANCELLED)],
)
def test_unpack_stops_when_its_batch_is_held(
    media: Path, user: User, monkeypatch, change: Any, jobs_state: str, state: str
) -> None:
    batch = create(user, zipped(pictures()))
    real = photo_intake.photo_submit

    def held_meanwhile(**kwargs: Any) -> Any:
        change(batch=Batch.objects.get())
        return real(**kwargs)

    monkeypatch.setattr(photo_intake, "photo_submit", held_meanwhile)
    batch_unpack(batch_id=batch.pk)
    assert Photo.objects.count() == 1
    assert (CaptionJob.objects.get().state, Batch.objects.get().state) == (jobs_state, state)


def test_unpack_goes_on_after_a_pause(media: Path, user: User) -> None:
    batch = create(user, zipped(pictures()))
    batch_pause(batch=batch)
    batch_unpack(batch_id=batch.pk)
    assert not Photo.objects.exists()
    batch_resume(batch=batch)
    batch_unpack(batch_id=batch.pk)
    assert Photo.objects.count() == 4


def test_unpack_of_a_zip_that_is_gone_fails_the_batch(media: Path, user: User) -> None:
    batch = create(user, zipped(pictures()))
    (media / batch.archive).unlink()
    batch_unpack(batch_id=batch.pk)
    batch.refresh_from_db()
    assert batch.state == Batch.State.FAILED
    assert "Send it again" in batch.error


def test_unpack_waits_where_no_process_can_be_had_to_look_into_the_zip(media: Path, user: User, monkeypatch) -> None:
    batch = create(user, zipped(pictures()))
    monkeypatch.setattr("webapp.processes.sandbox.START_SECONDS", 0)
    fresh = Sandbox(processes=1, timeout=1)
    monkeypatch.setattr(zip_unpacking, "upload_sandbox", lambda: fresh)
    with pytest.raises(SiteError, match="too busy to check the zip"):
        batch_unpack(batch_id=batch.pk)
    batch.refresh_from_db()
    assert batch.state == Batch.State.UNPACKING
    assert (media / batch.archive).exists()


def test_unpack_waits_where_the_zip_cannot_be_read(media: Path, user: User, monkeypatch) -> None:
    batch = create(user, zipped(pictures()))
    whole = (media / batch.archive).read_bytes()
    (media / batch.archive).unlink()
    (media / batch.archive).mkdir()  # root reads whatever it wants, but no folder
    with pytest.raises(IsADirectoryError):
        batch_unpack(batch_id=batch.pk)
    (media / batch.archive).rmdir()
    (media / batch.archive).write_bytes(whole)
    Batch.objects.update(unpack_lease_expires_at=None)
    batch_unpack(batch_id=batch.pk)
    assert Photo.objects.count() == 4


def test_unpack_on_a_full_disk_says_so_and_can_go_on(media: Path, user: User, monkeypatch) -> None:
    batch = create(user, zipped(pictures()))

    def full(*_: Any, **__: Any) -> None:
        raise SiteError("no_space", "The disk is full; nothing was stored.")

    with monkeypatch.context() as patch:
        patch.setattr(photo_intake, "photo_submit", full)
        with pytest.raises(SiteError):
            batch_unpack(batch_id=batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.error) == (Batch.State.UNPACKING, "The disk is full; nothing was stored.")
    Batch.objects.update(unpack_lease_expires_at=None)
    batch_unpack(batch_id=batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.error, Photo.objects.count()) == (Batch.State.RUNNING, "", 4)


def test_unpack_of_a_file_that_fails_unexpectedly_goes_on_with_the_others(
    media: Path, user: User, monkeypatch, caplog: pytest.LogCaptureFixture
) -> None:
    batch = create(user, zipped(pictures()))
    real = photo_intake.photo_submit

    def fails_at_blue(**kwargs: Any) -> Any:
        if kwargs["name"] == "blue.jpg":
            raise ZeroDivisionError
        return real(**kwargs)

    monkeypatch.setattr(photo_intake, "photo_submit", fails_at_blue)
    batch_unpack(batch_id=batch.pk)
    batch.refresh_from_db()
    assert (batch.state, errors(batch), Photo.objects.count()) == (Batch.State.RUNNING, {"blue.jpg": "failed"}, 3)
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("error", [OSError("Input/output error"), OperationalError("database is locked")])
def test_unpack_that_fails_at_the_machine_blames_no_file(
    media: Path, user: User, monkeypatch, error: Exception
) -> None:
    batch = create(user, zipped(pictures()))

    def broken(**_: Any) -> None:
        raise error

    monkeypatch.setattr(photo_intake, "photo_submit", broken)
    with pytest.raises(type(error)):
        batch_unpack(batch_id=batch.pk)
    batch.refresh_from_db()
    assert (batch.state, errors(batch)) == (Batch.State.UNPACKING, {})


def test_unpack_gives_its_lease_back_when_its_batch_is_paused(media: Path, user: User, monkeypatch) -> None:
    batch = create(user, zipped(pictures()))
    real = photo_intake.photo_submit

    def paused_meanwhile(**kwargs: Any) -> Any:
        batch_pause(batch=Batch.objects.get())
        return real(**kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(photo_intake, "photo_submit", paused_meanwhile)
        batch_unpack(batch_id=batch.pk)
    batch_resume(batch=Batch.objects.get())
    batch_unpack(batch_id=batch.pk)  # at once
    assert (Photo.objects.count(), Batch.objects.get().state) == (4, Batch.State.RUNNING)


def test_unpack_that_is_paused_and_resumed_within_a_file_is_done_once(media: Path, user: User, monkeypatch) -> None:
    batch = create(user, zipped(pictures()))
    real = photo_intake.photo_submit
    names: list[str] = []

    def changed_meanwhile(**kwargs: Any) -> Any:
        names.append(kwargs["name"])
        batch_pause(batch=Batch.objects.get())
        batch_resume(batch=Batch.objects.get())
        batch_unpack(batch_id=batch.pk)  # another worker, at the message of the resume
        return real(**kwargs)

    monkeypatch.setattr(photo_intake, "photo_submit", changed_meanwhile)
    batch_unpack(batch_id=batch.pk)
    assert (len(names), Photo.objects.count(), Batch.objects.get().state) == (4, 4, Batch.State.RUNNING)


def test_unpack_that_is_resumed_as_it_ends_is_told_to_the_workers(
    media: Path, user: User, monkeypatch, broker: Broker
) -> None:
    batch = create(user, zipped(pictures()))
    real = zip_unpacking._unpack_lease
    asked: list[bool] = []

    def resumed_after_the_second(candidates: Any) -> bool:
        asked.append(True)
        if len(asked) == 2:
            batch_pause(batch=Batch.objects.get())
        answer = real(candidates)
        if len(asked) == 2:
            batch_resume(batch=Batch.objects.get())
        return answer

    monkeypatch.setattr(zip_unpacking, "_unpack_lease", resumed_after_the_second)
    batch_unpack(batch_id=batch.pk)
    assert (Batch.objects.get().state, Batch.objects.get().unpack_lease_expires_at) == (Batch.State.UNPACKING, None)
    assert broker.length(jobs.BULK) == 1


def kept(media: Path) -> list[str]:
    return [path.name for path in (media / "lost-and-found").rglob("archive.zip")]


def test_unpack_of_a_zip_that_is_broken_keeps_it(media: Path, user: User) -> None:
    batch = create(user, zipped(pictures()))
    (media / batch.archive).write_bytes(b"x" * 100)
    with TestCase.captureOnCommitCallbacks(execute=True):
        batch_unpack(batch_id=batch.pk)
    batch.refresh_from_db()
    assert (batch.state, kept(media)) == (Batch.State.FAILED, ["archive.zip"])


def test_unpack_goes_by_the_limit_that_the_zip_was_taken_in_under(media: Path, user: User, settings) -> None:
    batch = create(user, zipped(pictures()))
    settings.ZIP_MAX_FILES = 2
    batch_unpack(batch_id=batch.pk)
    assert Photo.objects.count() == 4


def test_unpack_that_a_decoder_spoilt_keeps_the_zip(media: Path, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = create(user, zipped(pictures()))

    def timed_out(path: Path, limits: Any) -> Any:
        raise PhotoRejected("unreadable", "Opening the picture took too long.")

    with monkeypatch.context() as patch, TestCase.captureOnCommitCallbacks(execute=True):
        patch.setattr("webapp.photos.services.photo_storing.photo_checked", timed_out)
        batch_unpack(batch_id=batch.pk)
    assert kept(media) == ["archive.zip"]


def test_unpack_of_broken_photos_keeps_no_zip(media: Path, user: User) -> None:
    with TestCase.captureOnCommitCallbacks(execute=True):
        unpacked(user, zipped(pictures() | {"broken.jpg": b"x"}))
    assert not list(media.rglob("archive.zip"))
