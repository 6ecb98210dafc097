"""Photos uploaded together, deleted and tried again; and the folders that their files are in."""

from pathlib import Path

import pytest

from tests.brokers import Broker
from tests.pictures import picture, upload
from tests.webapp.conftest import files_of
from webapp import jobs
from webapp.accounts.models import User
from webapp.captioning.models import Caption, CaptionJob, ModelVersion
from webapp.captioning.services.caption_jobs import photo_retry
from webapp.captioning.services.photo_intake import photo_delete, photo_submit, photos_upload
from webapp.errors import ActionRefused
from webapp.photos import storage
from webapp.photos.errors import PhotoRejected
from webapp.photos.models import Photo
from webapp.processes.upload_sandbox import upload_sandbox

State = CaptionJob.State


def create(owner: User, content: bytes | None = None, name: str = "photo.jpg") -> Photo:
    return photo_submit(owner=owner, file=upload(content, name), name=name)[0]


def test_photos_upload_lets_the_neighbours_of_a_broken_file_through(media: Path, user: User) -> None:
    files = [upload(picture("red"), "red.jpg"), upload(b"", "empty.jpg"), upload(picture("blue"), "blue.jpg")]
    uploads = photos_upload(owner=user, files=files)
    assert [(item.created, item.error.code if item.error else "") for item in uploads] == [
        (True, ""), (False, "empty"), (True, ""),
    ]  # fmt: skip
    assert Photo.objects.count() == 2


def test_photos_upload_refuses_more_files_than_the_limit_as_a_whole(media: Path, user: User, settings) -> None:
    settings.UPLOAD_MAX_FILES = 2
    with pytest.raises(PhotoRejected, match=r"3 files .* limit is 2\. Nothing was stored\.") as caught:
        photos_upload(owner=user, files=[upload()] * 3)
    assert caught.value.code == "too_many_files"
    assert not files_of(media)


def test_photos_upload_tells_the_workers_once(media: Path, user: User, broker: Broker) -> None:
    photos_upload(owner=user, files=[upload(picture(colour), f"{colour}.jpg") for colour in ("red", "blue")])
    assert broker.length(jobs.INTERACTIVE) == 1


def test_photo_delete_removes_rows_and_files(media: Path, user: User, django_capture_on_commit_callbacks) -> None:
    photo = create(user)
    version = ModelVersion.objects.create(version="v", name="m", path="p")
    Caption.objects.create(
        photo=photo, model_version=version, text="t", confidence=1, words=[], decode_ms=1, wait_ms=1, model_ms=1
    )
    with django_capture_on_commit_callbacks(execute=True):
        photo_delete(photo=photo)
    assert not files_of(media)
    assert [model.objects.count() for model in (Photo, CaptionJob, Caption)] == [0, 0, 0]


def test_photo_delete_spares_the_neighbours(media: Path, user: User, django_capture_on_commit_callbacks) -> None:
    kept = create(user, picture("red"))
    with django_capture_on_commit_callbacks(execute=True):
        photo_delete(photo=create(user, picture("blue")))
    assert (media / kept.original).exists()


@pytest.mark.parametrize("state", [State.FAILED, State.QUARANTINED, State.CANCELLED])
def test_photo_retry_starts_from_nothing(media: Path, user: User, state: str) -> None:
    photo = create(user)
    CaptionJob.objects.update(
        state=state, lease_count=9, harm_count=2, error_code="harmful", error_message="m", token=7
    )
    photo_retry(photo=photo)
    job = CaptionJob.objects.get()
    assert (job.state, job.lease_count, job.harm_count, job.error_code, job.error_message) == (
        State.QUEUED,
        0,
        0,
        "",
        "",
    )
    assert job.token == 7  # a fencing token only ever rises


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.DONE, State.PAUSED])
def test_photo_retry_refuses_what_did_not_fail(media: Path, user: User, state: str) -> None:
    photo = create(user)
    CaptionJob.objects.update(state=state)
    with pytest.raises(ActionRefused, match=r"photo\.jpg"):
        photo_retry(photo=photo)
    assert CaptionJob.objects.get().state == state


def test_media_path_stays_below_the_media_folder(media: Path) -> None:
    with pytest.raises(ValueError, match="outside the media folder"):
        storage.media_path("../secrets/secret_key")


def test_sandbox_of_the_gallery_has_the_configured_limits() -> None:
    assert upload_sandbox().memory_mb == 2048
