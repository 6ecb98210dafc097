"""Taking photos in: what is stored, what is refused, and what is left behind (nothing)."""

import errno
import hashlib
import os
import shutil
import threading
from pathlib import Path

import pytest
from django.db import DatabaseError, connection

from tests.brokers import Broker
from tests.harm import bloat, crash, hang
from tests.pictures import noise, picture, png_bomb, upload
from tests.webapp.conftest import PHOTO_FILES, files_of
from webapp import jobs
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob
from webapp.captioning.services.photo_intake import photo_submit
from webapp.errors import SiteError
from webapp.photos.errors import PhotoRejected
from webapp.photos.models import Photo
from webapp.photos.services import photo_storing
from webapp.processes.sandbox import Sandbox, SandboxError

State = CaptionJob.State


def create(owner: User, content: bytes | None = None, name: str = "photo.jpg") -> Photo:
    return photo_submit(owner=owner, file=upload(content, name), name=name)[0]


def test_photo_create_keeps_the_original_untouched(media: Path, user: User) -> None:
    content = picture() + b"trailing bytes"
    photo = create(user, content)
    assert (media / photo.original).read_bytes() == content
    assert photo.sha256 == hashlib.sha256(content).hexdigest()
    assert photo.size_bytes == len(content)


def test_photo_create_stores_under_names_of_its_own(media: Path, user: User) -> None:
    photo = create(user, name="my holiday.jpg")
    assert photo.name == "my holiday.jpg"
    assert not [path for path in files_of(media) if "holiday" in str(path)]


def test_photo_create_makes_a_thumbnail_and_a_preview(media: Path, user: User) -> None:
    photo = create(user)
    assert {(media / photo.thumbnail).read_bytes()[:2], (media / photo.preview).read_bytes()[:2]} == {b"\xff\xd8"}
    assert (photo.format, photo.width, photo.height) == ("JPEG", 96, 64)


def test_photo_create_queues_its_caption(media: Path, user: User) -> None:
    job = create(user).job
    assert (job.state, job.lane) == (State.QUEUED, "interactive")


def test_photo_create_tells_a_worker(
    media: Path, user: User, broker: Broker, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        create(user)
    assert broker.length(jobs.INTERACTIVE) == 1


def test_photo_create_gives_the_same_bytes_one_photo(media: Path, user: User) -> None:
    first = create(user)
    again, created = photo_submit(owner=user, file=upload(name="other.jpg"), name="other.jpg")
    assert (again, created) == (first, False)
    assert len(files_of(media)) == PHOTO_FILES


def test_photo_create_gives_each_owner_their_own(media: Path, user: User, other_user: User) -> None:
    assert create(user) != create(other_user)


def test_photo_create_queues_a_cancelled_photo_once_more(media: Path, user: User) -> None:
    photo = create(user)
    CaptionJob.objects.update(state=State.CANCELLED)
    assert create(user).job.state == State.QUEUED
    assert Photo.objects.get() == photo


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"not a picture", "not_an_image"),
        (noise(size=(400, 400))[:-2000], "truncated"),
        (png_bomb(), "too_many_pixels"),
        (picture(kind="BMP"), "unsupported_format"),
    ],
    ids=["empty", "text", "truncated", "bomb", "bmp"],
)
def test_photo_create_stores_nothing_of_a_broken_file(media: Path, user: User, content: bytes, code: str) -> None:
    with pytest.raises(PhotoRejected, match=r"^broken\.jpg: ") as caught:
        create(user, content, "broken.jpg")
    assert caught.value.code == code
    assert not files_of(media)
    assert not Photo.objects.exists()


def test_photo_create_names_the_limit_of_bytes(media: Path, user: User, settings) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    with pytest.raises(PhotoRejected, match=r"the limit is 1,000\. Save it smaller"):
        create(user, noise())
    assert not files_of(media)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("../../etc/passwd", "slash"),
        ("a\\b.jpg", "slash"),
        ("a\0.jpg", "NUL"),
        ("x" * 4000 + ".jpg", "4,004 characters; the limit is 255"),
        (" ", "is not a file name"),
        ("a\nb.jpg", "control character"),
        ("a\x7fb.jpg", "control character"),
        ("a\u2028b.jpg", "line break"),
        ("a\ud800b.jpg", "control character"),
    ],
    ids=["slashes", "backslash", "nul", "long", "blank", "newline", "delete", "separator", "surrogate"],
)
def test_photo_create_refuses_a_name_that_is_none(media: Path, user: User, name: str, problem: str) -> None:
    with pytest.raises(PhotoRejected, match=problem) as caught:
        photo_submit(owner=user, file=upload(), name=name)
    assert caught.value.code == "bad_name"
    assert "Rename the file" in caught.value.message
    assert not files_of(media)


@pytest.mark.parametrize("name", ["Bildschirmfoto 3.00.00\u202fPM.jpg", "été 🏖️.jpg", "صورة.jpg", "a\u00a0b.jpg"])
def test_photo_create_takes_the_names_of_this_world(media: Path, user: User, name: str) -> None:
    assert create(user, name=name).name == name


@pytest.mark.parametrize(
    ("harm", "problem"), [(hang, "took longer than 1 s"), (crash, "SIGABRT"), (bloat, "more memory")]
)
def test_photo_create_outlives_a_file_that_harms_its_decoder(
    media: Path, user: User, monkeypatch: pytest.MonkeyPatch, harm: object, problem: str
) -> None:
    small = Sandbox(processes=1, timeout=1, memory_mb=1024)
    small.run(int)  # the child has started: the time-out is the file's alone
    monkeypatch.setattr(photo_storing, "upload_sandbox", lambda: small)
    monkeypatch.setattr(photo_storing, "photo_inspect", harm)
    with pytest.raises(PhotoRejected, match=problem) as caught:
        create(user)
    small.close()
    assert caught.value.code == "unreadable"
    assert not files_of(media)


def test_photo_create_on_a_full_disk_leaves_nothing(media: Path, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SiteError, match="The disk is full") as caught:
        create(user)
    assert caught.value.code == "no_space"
    assert not files_of(media)
    monkeypatch.undo()
    create(user)  # works again without a restart


def test_photo_create_on_a_disk_that_fails_leaves_nothing(
    media: Path, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output"):
        create(user)
    assert not files_of(media)


def test_photo_create_on_a_machine_that_starts_no_child_blames_no_file(
    media: Path, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Overloaded:
        def run(self, *_: object) -> None:
            raise SandboxError("a child process was not ready within 60 s; is the machine overloaded?")

    monkeypatch.setattr(photo_storing, "upload_sandbox", Overloaded)
    with pytest.raises(SiteError, match="Try again later") as caught:
        create(user)
    assert caught.value.code == "busy"
    assert not files_of(media)


def test_photo_create_that_cannot_write_its_row_leaves_no_file(
    media: Path, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*args: object, **kwargs: object) -> None:
        raise DatabaseError("database is locked")

    monkeypatch.setattr(CaptionJob.objects, "create", locked)
    with pytest.raises(DatabaseError):
        create(user)
    assert not files_of(media)
    assert not Photo.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_photo_create_of_one_file_in_two_requests_at_once_gives_one_photo(media: Path, user: User) -> None:
    barrier = threading.Barrier(2)
    found: list[tuple[Photo, bool]] = []

    def send() -> None:
        barrier.wait()
        found.append(photo_submit(owner=user, file=upload(), name="photo.jpg"))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(created for _, created in found) == [False, True]
    assert found[0][0] == found[1][0]
    assert len(files_of(media)) == PHOTO_FILES


def test_photo_whose_original_is_missing_gets_the_file_that_is_sent_again(media: Path, user: User) -> None:
    photo, _ = photo_submit(owner=user, file=upload(), name="photo.jpg")
    shutil.rmtree((media / photo.original).parent)
    CaptionJob.objects.update(state=CaptionJob.State.FAILED, error_code="unreadable")
    again, created = photo_submit(owner=user, file=upload(), name="again.jpg")
    assert (again, created) == (photo, False)
    assert all((media / path).is_file() for path in (again.original, again.thumbnail, again.preview))
    assert CaptionJob.objects.get().state == CaptionJob.State.QUEUED
