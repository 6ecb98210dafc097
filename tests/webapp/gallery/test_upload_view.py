"""Files that come in over HTTP."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client

from tests.brokers import Broker
from tests.pictures import picture, upload
from tests.webapp.conftest import PHOTO_FILES, files_of
from tests.webapp.pages import JSON, page
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob, WorkerHeartbeat
from webapp.photos.models import Photo
from webapp.photos.services import photo_storing
from webapp.photos.upload_parser import DiskUploadHandler
from webapp.processes.sandbox import SandboxError

State = CaptionJob.State


def post_named(client: Client, *names: str) -> list[dict[str, str]]:
    """Uploads a picture under each name, which Django's own client would tidy first."""
    parts = []
    for colour, name in zip(("red", "blue"), names, strict=True):
        head = (
            f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: image/jpeg\r\n\r\n'
        )
        parts.append(head.encode() + picture(colour) + b"\r\n")
    body = b"".join(parts) + b"--x--\r\n"
    response = client.post("/upload/", body, content_type="multipart/form-data; boundary=x", headers=JSON)
    return list(response.json()["results"])


def test_upload_by_script_answers_with_the_card(media: Path, member: Client) -> None:
    (result,) = member.post("/upload/", {"file": upload()}, headers=JSON).json()["results"]
    photo = Photo.objects.get()
    assert (result["status"], result["url"]) == ("created", f"/photos/{photo.pk}/")
    assert f'id="card-{photo.pk}"' in result["html"]


def test_upload_by_script_tells_each_error_on_its_own(media: Path, member: Client) -> None:
    response = member.post("/upload/", {"file": [upload(name="a.jpg"), upload(b"no", "b.jpg")]}, headers=JSON)
    good, bad = response.json()["results"]
    assert (good["status"], bad["status"], bad["code"]) == ("created", "error", "not_an_image")
    assert bad["message"].startswith("b.jpg: ")


def test_upload_on_a_disk_that_is_full_for_one_file_keeps_and_publishes_the_others(
    media: Path, member: Client, full_for: Callable[[str], None], broker: Broker
) -> None:
    full_for("b.jpg")
    files = [upload(picture(colour), name) for colour, name in (("red", "a.jpg"), ("blue", "b.jpg"), ("tan", "c.jpg"))]
    response = member.post("/upload/", {"file": files}, headers=JSON)
    results = response.json()["results"]
    assert (response.status_code, [result["status"] for result in results]) == (200, ["created", "error", "created"])
    assert results[1]["message"].startswith("b.jpg: The disk is full")
    assert (Photo.objects.count(), broker.length("interactive")) == (2, 1)


def test_upload_on_a_full_disk_is_the_sites_fault(media: Path, member: Client, full_for: Callable[[str], None]) -> None:
    full_for("")
    assert member.post("/upload/", {"file": [upload(), upload(b"no", "b.jpg")]}, headers=JSON).status_code == 507
    shown = member.post("/upload/", {"file": upload(name="a.jpg")}, follow=True).content.decode()
    assert "a.jpg: The disk is full" in shown
    assert "photo added" not in shown


def test_upload_at_a_database_that_fails_reports_what_was_stored(
    media: Path, member: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = CaptionJob.objects.create

    def locked(**values: object) -> CaptionJob:
        if CaptionJob.objects.exists():
            raise OperationalError("database is locked")
        return real(**values)

    monkeypatch.setattr(CaptionJob.objects, "create", locked)
    files = [upload(picture(colour), f"{colour}.jpg") for colour in ("red", "blue", "tan")]
    response = member.post("/upload/", {"file": files}, headers=JSON)
    assert [result["status"] for result in response.json()["results"]] == ["created", "error", "error"]
    assert response.json()["results"][2]["message"].startswith("tan.jpg: The database does not answer")
    assert len(files_of(media)) == PHOTO_FILES


def test_upload_to_a_busy_machine_waits_for_it_once(
    media: Path, member: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    class Overloaded:
        def run(self, *arguments: object) -> None:
            asked.append(arguments)
            raise SandboxError("a child process was not ready within 60 s.")

    monkeypatch.setattr(photo_storing, "upload_sandbox", Overloaded)
    files = [upload(picture(colour), f"{colour}.jpg") for colour in ("red", "blue")]
    response = member.post("/upload/", {"file": files}, headers=JSON)
    results = response.json()["results"]
    assert (response.status_code, [result["code"] for result in results], len(asked)) == (503, ["busy"] * 2, 1)
    assert results[1]["message"].startswith("blue.jpg: The server is too busy to check the photo")


def test_upload_of_the_same_file_links_the_photo_that_is_there(member: Client, photo: Photo) -> None:
    (result,) = member.post("/upload/", {"file": upload(name="again.jpg")}, headers=JSON).json()["results"]
    assert (result["status"], result["url"]) == ("duplicate", f"/photos/{photo.pk}/")
    assert result["message"] == "again.jpg is already in your gallery."


def test_upload_without_script_leads_back_with_messages(media: Path, member: Client, photo: Photo) -> None:
    files = [upload(picture("blue"), "blue.jpg"), upload(b"", "<i>.jpg"), upload(name="again.jpg")]
    response = member.post("/upload/", {"file": files}, follow=True)
    shown = response.content.decode()
    assert response.redirect_chain == [("/", 302)]
    assert "3 found: 1 taken, 1 there already, 1 failed, 0 left out. The captions follow." in shown
    assert "&lt;i&gt;.jpg: The file is empty" in shown
    assert f'again.jpg is already in your gallery. <a href="/photos/{photo.pk}/">' in shown


def test_upload_without_a_file_says_so(media: Path, member: Client) -> None:
    assert "No file was sent" in member.post("/upload/", {}, follow=True).content.decode()
    response = member.post("/upload/", {}, headers=JSON)
    assert (response.status_code, response.json()["results"][0]["code"]) == (400, "no_file")


def test_upload_of_a_thousand_files_is_refused_with_the_limit(media: Path, member: Client) -> None:
    response = member.post("/upload/", {"file": [upload(b"x") for _ in range(1000)]}, headers=JSON)
    (result,) = response.json()["results"]
    assert (response.status_code, result["code"]) == (413, "too_many_files")
    assert "1,000 files were sent at once; the limit is 100" in result["message"]
    assert not Photo.objects.exists()


def test_upload_of_more_files_than_the_parser_takes_names_our_limit(media: Path, member: Client, settings) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 1
    limit = "More than 1 files were sent at once; the limit is 100. Nothing was stored. Send fewer at a time"
    response = member.post("/upload/", {"file": [upload(b"x"), upload(b"x")]})
    assert (response.status_code, limit in response.content.decode()) == (413, True)
    response = member.post("/upload/", {"file": [upload(b"x"), upload(b"x")]}, headers=JSON)
    assert (response.status_code, limit in response.json()["results"][0]["message"]) == (413, True)


def test_request_that_cannot_be_read_is_told_so(member: Client, settings) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 1
    response = member.post("/upload/", {"a": "1", "b": "2"})
    assert (response.status_code, "could not read" in response.content.decode()) == (400, True)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("../../evil.jpg", "contains a slash or a NUL character"),
        ("C:\\evil.jpg", "contains a slash or a NUL character"),
        ("evil\0.jpg", "contains a slash or a NUL character"),
        ("..", "is not a file name"),
        ("x" * 4000 + ".jpg", "4,004 characters; the limit is 255"),
    ],
    ids=["path", "backslash", "nul", "dots", "long"],
)
def test_upload_refuses_a_name_that_is_none_and_lets_its_neighbour_through(
    media: Path, member: Client, name: str, problem: str
) -> None:
    bad, good = post_named(member, name, "neighbour.jpg")
    assert (bad["status"], good["status"]) == ("error", "created")
    assert problem in bad["message"]
    assert "Rename the file" in bad["message"]
    assert Photo.objects.get().name == "neighbour.jpg"


def test_upload_of_a_large_file_is_judged_by_the_size_that_was_sent(media: Path, member: Client, settings) -> None:
    settings.UPLOAD_MAX_BYTES = 2**20
    (result,) = member.post("/upload/", {"file": upload(bytes(4 * 2**20))}, headers=JSON).json()["results"]
    assert "The file has 4,194,304 bytes; the limit is 1,048,576" in result["message"]


def test_upload_handler_writes_no_more_than_the_limit(settings) -> None:
    settings.UPLOAD_MAX_BYTES = 100
    handler = DiskUploadHandler()
    handler.new_file("file", "a.jpg", "image/jpeg", 1000)
    for start in range(0, 1000, 50):
        handler.receive_data_chunk(b"x" * 50, start)
    file = handler.file_complete(1000)
    assert file is not None
    assert (file.size, len(file.read())) == (1000, 100)
    file.close()


@pytest.mark.slow  # the broker's time-outs
def test_upload_at_a_broker_that_is_silent_is_taken_within_five_seconds(
    media: Path, member: Client, worker: WorkerHeartbeat, broker: Broker, django_capture_on_commit_callbacks
) -> None:
    broker.freeze()
    try:
        start = time.monotonic()
        with django_capture_on_commit_callbacks(execute=True):
            response = member.post("/upload/", {"file": upload()}, headers=JSON)
        took = time.monotonic() - start
    finally:
        broker.thaw()
    assert response.json()["results"][0]["status"] == "created"
    assert took < 5
    assert "The queue does not answer" in page(member, "/")


def test_upload_wants_a_login(media: Path, client: Client, db: None) -> None:
    assert client.post("/upload/", {"file": upload()}).headers["Location"].startswith("/accounts/login/")
    assert not Photo.objects.exists()


def test_upload_wants_the_sites_own_form(media: Path, user: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    assert strict.post("/upload/", {"file": upload()}).status_code == 403
    assert not Photo.objects.exists()
