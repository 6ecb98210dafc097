"""A photo that several batches hold, or a batch and a person: what waits goes on as long as somebody wants it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.brokers import Broker
from tests.pictures import picture, upload
from tests.webapp.zips import create, unpacked, zipped
from webapp import jobs
from webapp.accounts.models import User
from webapp.batches.models import Batch
from webapp.batches.services.batch_control import batch_cancel, batch_pause, batch_resume
from webapp.batches.services.zip_unpacking import batch_unpack
from webapp.captioning.models import CaptionJob
from webapp.captioning.services import photo_intake

SHARED = {"shared.jpg": picture("red")}


@pytest.fixture
def batch(media: Path, user: User) -> Callable[[], Batch]:
    """Makes and unpacks one more batch of the one photo."""
    return lambda: unpacked(user, zipped(SHARED))


def state() -> str:
    return CaptionJob.objects.get().state


def test_photo_of_a_paused_batch_is_queued_when_another_batch_brings_it(
    batch: Callable[[], Batch], broker: Broker
) -> None:
    batch_pause(batch=batch())
    before = broker.length(jobs.BULK)
    batch()
    assert (state(), broker.length(jobs.BULK)) == ("queued", before + 1)


def test_photo_of_a_paused_batch_stays_queued_for_the_other_when_the_first_is_cancelled(
    batch: Callable[[], Batch],
) -> None:
    first = batch()
    batch_pause(batch=first)
    batch()
    batch_cancel(batch=first)
    assert state() == "queued"


def test_photo_is_queued_again_by_whichever_batch_is_resumed(batch: Callable[[], Batch]) -> None:
    first, second = batch(), batch()
    batch_pause(batch=first)
    assert state() == "queued"
    batch_pause(batch=second)
    assert state() == "paused"
    batch_resume(batch=first)
    assert state() == "queued"


def test_photo_stays_paused_for_a_paused_batch_when_the_other_is_cancelled(batch: Callable[[], Batch]) -> None:
    first, second = batch(), batch()
    batch_pause(batch=first)
    batch_cancel(batch=second)
    assert state() == "paused"
    batch_resume(batch=first)
    assert state() == "queued"


def test_photo_that_was_paused_before_its_second_batch_noted_it_is_queued(
    media: Path, user: User, batch: Callable[[], Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = batch(), create(user, zipped(SHARED))
    real = photo_intake.photo_submit

    def paused_meanwhile(**kwargs: object) -> object:
        found = real(**kwargs)  # type: ignore[arg-type]
        batch_pause(batch=first)
        return found

    monkeypatch.setattr(photo_intake, "photo_submit", paused_meanwhile)
    batch_unpack(batch_id=second.pk)
    assert state() == "queued"


@pytest.mark.parametrize("pause", [True, False])
def test_photo_of_a_batch_that_a_person_uploads_goes_on_at_once_and_for_good(
    batch: Callable[[], Batch], user: User, broker: Broker, django_capture_on_commit_callbacks, pause: bool
) -> None:
    held = batch()
    if pause:
        batch_pause(batch=held)
    with django_capture_on_commit_callbacks(execute=True):
        (uploaded,) = photo_intake.photos_upload(owner=user, files=[upload(picture("red"), "mine.jpg")])
    assert uploaded.photo
    assert (uploaded.photo.job.state, uploaded.photo.job.lane) == ("queued", "interactive")
    assert broker.length(jobs.INTERACTIVE) == 1
    batch_cancel(batch=held)
    assert state() == "queued"


@pytest.mark.parametrize("settled", [CaptionJob.State.RUNNING, CaptionJob.State.DONE, CaptionJob.State.FAILED])
def test_photo_that_does_not_wait_is_left_alone(batch: Callable[[], Batch], user: User, settled: str) -> None:
    held = batch()
    CaptionJob.objects.update(state=settled)
    photo_intake.photos_upload(owner=user, files=[upload(picture("red"))])
    batch_pause(batch=held)
    batch_resume(batch=held)
    batch_cancel(batch=held)
    assert state() == settled
