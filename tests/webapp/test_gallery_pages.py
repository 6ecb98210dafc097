"""The pages of the gallery over HTTP: what they show, to whom, and at what cost."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.brokers import Broker
from tests.pictures import picture, upload
from webapp.accounts.models import User
from webapp.gallery.models import Caption, CaptionJob, ModelVersion, Photo, WorkerHeartbeat
from webapp.gallery.services.photos import photo_create
from webapp.gallery.uploads import DiskUploadHandler
from webapp.review.models import Review

State = CaptionJob.State
JSON = {"Accept": "application/json"}


@pytest.fixture
def photo(media: Path, user: User) -> Photo:
    return photo_create(owner=user, file=upload(), name="photo.jpg")[0]


@pytest.fixture
def model_version(db: None) -> ModelVersion:
    return ModelVersion.objects.create(
        version="f" * 64, name="default", path="models/f", config={"preprocessing": {"resize": "squash"}}
    )


@pytest.fixture
def worker(model_version: ModelVersion) -> WorkerHeartbeat:
    return WorkerHeartbeat.objects.create(
        name="w1", device="cpu", started_at=Now(), seen_at=Now(), model_version=model_version
    )


def rows(owner: User, count: int, **job: Any) -> list[Photo]:
    """Photos without files."""
    made = []
    for _ in range(count):
        number = Photo.objects.count()
        photo = Photo.objects.create(
            owner=owner, sha256=f"{number:064}", name=f"{number}.jpg", original=f"photos/{number}/original",
            thumbnail="t", preview="p", format="JPEG", width=4, height=3, size_bytes=1,
        )  # fmt: skip
        CaptionJob.objects.create(photo=photo, queued_at=timezone.now(), **job)
        made.append(photo)
    return made


def caption(photo: Photo, version: ModelVersion, text: str = "A dog runs.", **fields: Any) -> Caption:
    CaptionJob.objects.filter(photo=photo).update(state=State.DONE)
    words = [{"text": word, "log_probability": -0.5} for word in ("a", "dog", "runs")]
    defaults: dict[str, Any] = {
        "confidence": 0.734, "words": words, "alternatives": [{"text": "A cat sits.", "confidence": 0.21}],
        "attention": bytes(range(12)), "attention_shape": [3, 2, 2], "decode_ms": 12.4, "wait_ms": 3.2,
        "model_ms": 45.6,
    }  # fmt: skip
    return Caption.objects.create(photo=photo, model_version=version, text=text, **defaults | fields)


def page(client: Client, path: str, **query: Any) -> str:
    response = client.get(path, query)
    assert response.status_code == 200
    return response.content.decode()


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


# --- Uploading --------------------------------------------------------------------------------------------------------


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


def test_upload_of_the_same_file_links_the_photo_that_is_there(member: Client, photo: Photo) -> None:
    (result,) = member.post("/upload/", {"file": upload(name="again.jpg")}, headers=JSON).json()["results"]
    assert (result["status"], result["url"]) == ("duplicate", f"/photos/{photo.pk}/")
    assert result["message"] == "again.jpg is already in your gallery."


def test_upload_without_script_leads_back_with_messages(media: Path, member: Client, photo: Photo) -> None:
    files = [upload(picture("blue"), "blue.jpg"), upload(b"", "<i>.jpg"), upload(name="again.jpg")]
    response = member.post("/upload/", {"file": files}, follow=True)
    shown = response.content.decode()
    assert response.redirect_chain == [("/", 302)]
    assert "1 photo added" in shown
    assert "&lt;i&gt;.jpg: The file is empty" in shown
    assert f'again.jpg is already in your gallery. <a href="/photos/{photo.pk}/">' in shown


def test_upload_without_a_file_says_so(media: Path, member: Client) -> None:
    assert "No file was sent" in member.post("/upload/", {}, follow=True).content.decode()
    response = member.post("/upload/", {}, headers=JSON)
    assert (response.status_code, response.json()["results"][0]["code"]) == (400, "no_file")


def test_upload_of_a_thousand_files_is_refused_with_the_limit(media: Path, member: Client) -> None:
    response = member.post("/upload/", {"file": [upload(b"x") for _ in range(1000)]}, headers=JSON)
    (result,) = response.json()["results"]
    assert (response.status_code, result["code"]) == (400, "too_many_files")
    assert "1,000 files were sent at once; the limit is 100" in result["message"]
    assert not Photo.objects.exists()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("../../evil.jpg", "holds a slash or NUL"),
        ("C:\\evil.jpg", "holds a slash or NUL"),
        ("evil\0.jpg", "holds a slash or NUL"),
        ("..", "is no name for a file"),
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


# --- The gallery ------------------------------------------------------------------------------------------------------


def test_gallery_shows_the_newest_first(member: Client, user: User) -> None:
    first, second = rows(user, 2)
    shown = page(member, "/")
    assert shown.index(f'id="card-{second.pk}"') < shown.index(f'id="card-{first.pk}"')


def test_gallery_shows_ones_own_photos_alone(member: Client, other_user: User) -> None:
    (theirs,) = rows(other_user, 1)
    assert f'id="card-{theirs.pk}"' not in page(member, "/")


def test_gallery_splits_into_pages(member: Client, user: User) -> None:
    photos = rows(user, 25)
    assert f'id="card-{photos[0].pk}"' not in page(member, "/")
    second = page(member, "/", page=2)
    assert f'id="card-{photos[0].pk}"' in second
    assert "Page 2 of 2" in second


@pytest.mark.parametrize("number", ["0", "99", "x", "-1"])
def test_gallery_page_that_does_not_exist_is_one_that_does(member: Client, user: User, number: str) -> None:
    rows(user, 1)
    assert 'class="card' in page(member, "/", page=number)


def test_gallery_filters_by_state(member: Client, user: User) -> None:
    (waiting,) = rows(user, 1)
    (failed,) = rows(user, 1, state=State.FAILED, error_code="unreadable", error_message="It cannot be decoded.")
    shown = page(member, "/", show="failed")
    assert f'id="card-{failed.pk}"' in shown
    assert f'id="card-{waiting.pk}"' not in shown
    assert "It cannot be decoded." in shown


def test_gallery_is_empty_with_an_invitation(member: Client) -> None:
    assert "No photos yet" in page(member, "/")


def test_gallery_costs_the_same_queries_for_one_photo_and_for_many(
    member: Client, user: User, model_version: ModelVersion
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            page(member, "/")
        return len(captured)

    for photo in rows(user, 1):
        Review.objects.create(caption=caption(photo, model_version), reviewer=user, decision="approved", text="x")
    few = queries()
    for photo in rows(user, 20):
        Review.objects.create(caption=caption(photo, model_version), reviewer=user, decision="approved", text="x")
    assert queries() == few


def test_gallery_says_that_no_worker_runs(member: Client) -> None:
    assert "No worker is running" in page(member, "/")


def test_gallery_is_silent_about_a_worker_that_runs(member: Client, worker: WorkerHeartbeat) -> None:
    assert "No worker is running" not in page(member, "/")


def test_gallery_says_that_captioning_waits_for_a_broker_that_is_down(
    media: Path, member: Client, worker: WorkerHeartbeat
) -> None:
    assert member.post("/upload/", {"file": upload()}, headers=JSON).status_code == 200
    assert "The queue does not answer" in page(member, "/")


# --- The photo page ---------------------------------------------------------------------------------------------------


def test_photo_page_shows_what_the_model_wrote(member: Client, photo: Photo, model_version: ModelVersion) -> None:
    caption(photo, model_version)
    shown = page(member, f"/photos/{photo.pk}/")
    for text in (
        "A dog runs.",
        "73 % sure",
        "A cat sits.",
        "21 %",
        "default",
        "f" * 12,
        "opening 12 ms",
        "model 46 ms",
    ):
        assert text in shown


def test_photo_page_carries_a_map_for_each_word(member: Client, photo: Photo, model_version: ModelVersion) -> None:
    caption(photo, model_version)
    shown = page(member, f"/photos/{photo.pk}/")
    data = shown.split('id="attention-maps" type="application/json">')[1].split("</script>")[0]
    assert json.loads(data) == {"shape": [3, 2, 2], "data": "AAECAwQFBgcICQoL", "resize": "squash"}
    assert shown.count('<button class="word"') == 3


def test_photo_page_of_a_model_that_does_not_attend_shows_plain_words(
    member: Client, photo: Photo, model_version: ModelVersion
) -> None:
    caption(photo, model_version, attention=b"", attention_shape=[])
    shown = page(member, f"/photos/{photo.pk}/")
    assert "attention-maps" not in shown
    assert shown.count('<span class="word"') == 3


def test_photo_page_shows_the_persons_text_and_the_machines(
    member: Client, photo: Photo, model_version: ModelVersion, staff_user: User
) -> None:
    made = caption(photo, model_version)
    Review.objects.create(caption=made, reviewer=staff_user, decision="edited", text="Two dogs run.")
    shown = page(member, f"/photos/{photo.pk}/")
    assert '<h1 class="caption">Two dogs run.</h1>' in shown
    assert "Edited by edith" in shown
    assert "A dog runs." in shown


def test_photo_page_says_who_rejected_a_caption(
    member: Client, photo: Photo, model_version: ModelVersion, staff_user: User
) -> None:
    Review.objects.create(caption=caption(photo, model_version), reviewer=staff_user, decision="rejected")
    assert "rejected by edith" in page(member, f"/photos/{photo.pk}/")


def test_photo_page_keeps_a_persons_text_when_a_new_model_writes(
    member: Client, photo: Photo, model_version: ModelVersion, staff_user: User
) -> None:
    Review.objects.create(caption=caption(photo, model_version), reviewer=staff_user, decision="approved", text="")
    caption(photo, ModelVersion.objects.create(version="e" * 64, name="newer", path="p"), "A wolf howls.")
    assert '<h1 class="caption">A dog runs.</h1>' in page(member, f"/photos/{photo.pk}/")


def test_photo_page_escapes_what_people_wrote(
    member: Client, photo: Photo, model_version: ModelVersion, staff_user: User
) -> None:
    made = caption(photo, model_version)
    Review.objects.create(caption=made, reviewer=staff_user, decision="edited", text="<script>alert(1)</script>")
    assert "<script>alert" not in page(member, f"/photos/{photo.pk}/")


def test_photo_page_says_why_it_failed_and_offers_another_try(member: Client, photo: Photo) -> None:
    CaptionJob.objects.update(state=State.QUARANTINED, error_code="harmful", error_message="Opening it crashed, twice.")
    shown = page(member, f"/photos/{photo.pk}/")
    assert "Opening it crashed, twice." in shown
    assert "Try again" in shown
    member.post(f"/photos/{photo.pk}/retry/")
    assert CaptionJob.objects.get().state == State.QUEUED


def test_photo_retry_that_comes_too_late_is_told(member: Client, photo: Photo) -> None:
    response = member.post(f"/photos/{photo.pk}/retry/", follow=True)
    assert "only a failed or cancelled caption can be retried" in response.content.decode()


def test_photo_delete_leads_to_the_gallery(member: Client, photo: Photo) -> None:
    response = member.post(f"/photos/{photo.pk}/delete/", follow=True)
    assert "photo.jpg was deleted" in response.content.decode()
    assert not Photo.objects.exists()


@pytest.mark.parametrize("path", ["", "delete/", "retry/"])
def test_photo_of_somebody_else_is_not_there(client: Client, other_user: User, photo: Photo, path: str) -> None:
    client.force_login(other_user)
    method = client.post if path else client.get
    assert method(f"/photos/{photo.pk}/{path}").status_code == 404
    assert Photo.objects.exists()


def test_photo_is_not_deleted_by_a_link(member: Client, photo: Photo) -> None:
    assert member.get(f"/photos/{photo.pk}/delete/").status_code == 405


def test_photo_page_is_open_to_staff_without_the_owners_buttons(client: Client, staff_user: User, photo: Photo) -> None:
    client.force_login(staff_user)
    shown = page(client, f"/photos/{photo.pk}/")
    assert "Delete" not in shown
    assert "Download" not in shown
    assert client.post(f"/photos/{photo.pk}/delete/").status_code == 404


# --- Media ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["thumbnail", "preview"])
def test_media_shows_a_picture_of_ours(member: Client, photo: Photo, kind: str) -> None:
    response = member.get(f"/media/{photo.pk}/{kind}/")
    assert response.content[:2] == b"\xff\xd8"
    assert response.headers["Content-Type"] == "image/jpeg"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"].startswith("private")
    assert response.headers["Vary"] == "Cookie"


def test_media_sends_the_original_as_a_download_only(member: Client, photo: Photo) -> None:
    response = member.get(f"/media/{photo.pk}/original/")
    assert response.content == picture()
    assert response.headers["Content-Disposition"] == 'attachment; filename="photo.jpg"'
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Cache-Control"] == "private, no-store"


def test_media_gives_staff_the_pictures_and_not_the_original(client: Client, staff_user: User, photo: Photo) -> None:
    client.force_login(staff_user)
    assert client.get(f"/media/{photo.pk}/preview/").status_code == 200
    assert client.get(f"/media/{photo.pk}/original/").status_code == 404


@pytest.mark.parametrize("kind", ["thumbnail", "preview", "original"])
def test_media_of_somebody_else_is_not_there(client: Client, other_user: User, photo: Photo, kind: str) -> None:
    client.force_login(other_user)
    assert client.get(f"/media/{photo.pk}/{kind}/").status_code == 404


def test_media_wants_a_login(client: Client, photo: Photo) -> None:
    assert client.get(f"/media/{photo.pk}/thumbnail/").status_code == 302


def test_media_knows_no_other_kind(member: Client, photo: Photo) -> None:
    assert member.get(f"/media/{photo.pk}/sha256/").status_code == 404


def test_media_that_is_missing_from_the_disk_is_not_found(media: Path, member: Client, photo: Photo) -> None:
    (media / photo.thumbnail).unlink()
    assert member.get(f"/media/{photo.pk}/thumbnail/").status_code == 404


# --- What an open page asks every second ------------------------------------------------------------------------------


def ask(client: Client, **seen: Any) -> Any:
    return client.get("/state/", seen, headers={"HX-Request": "true"})


def test_state_is_silent_while_nothing_changes(member: Client, photo: Photo, worker: WorkerHeartbeat) -> None:
    response = ask(member, seen=f"{photo.pk}:queued", seen_photo=f"{photo.pk}:queued", seen_tabs="all:1:1:0:0")
    assert (response.status_code, response.content) == (204, b"")


def test_state_brings_a_caption_to_its_card_and_announces_it(
    member: Client, photo: Photo, model_version: ModelVersion
) -> None:
    caption(photo, model_version)
    shown = ask(member, seen=f"{photo.pk}:queued").content.decode()
    assert f'<li class="card done" id="card-{photo.pk}" hx-swap-oob="true">' in shown
    assert "photo.jpg: A dog runs." in shown


def test_state_brings_a_failure_to_its_card(member: Client, photo: Photo) -> None:
    CaptionJob.objects.update(state=State.FAILED, error_message="It cannot be decoded.")
    assert "It cannot be decoded." in ask(member, seen=f"{photo.pk}:running").content.decode()


def test_state_brings_a_caption_to_the_photo_page(member: Client, photo: Photo, model_version: ModelVersion) -> None:
    caption(photo, model_version)
    shown = ask(member, seen_photo=f"{photo.pk}:running").content.decode()
    assert '<section id="panel"' in shown
    assert 'id="card-' not in shown


def test_state_removes_the_card_of_a_photo_that_is_gone(member: Client, db: None) -> None:
    assert '<li id="card-77" hx-swap-oob="delete">' in ask(member, seen="77:queued").content.decode()


def test_state_brings_the_counts_above_the_gallery(member: Client, photo: Photo) -> None:
    shown = ask(member, seen_tabs="waiting:0:0:0:0").content.decode()
    assert 'id="tabs"' in shown
    assert 'value="waiting:1:1:0:0"' in shown


def test_state_brings_and_takes_the_notice(member: Client, photo: Photo, request: pytest.FixtureRequest) -> None:
    assert "No worker is running" in ask(member, notice="").content.decode()
    request.getfixturevalue("worker")
    assert "hidden" in ask(member, notice="No worker is running.").content.decode()


def test_state_shows_nothing_of_somebody_else(
    client: Client, other_user: User, photo: Photo, model_version: ModelVersion
) -> None:
    caption(photo, model_version)
    client.force_login(other_user)
    shown = ask(client, seen=f"{photo.pk}:queued", seen_photo=f"{photo.pk}:queued").content.decode()
    assert "A dog runs." not in shown


@pytest.mark.parametrize("seen", ["", "x", "1", ":", "9" * 40 + ":queued", "-1:queued", "²:queued"])
def test_state_ignores_what_no_page_of_ours_asks(member: Client, worker: WorkerHeartbeat, seen: str) -> None:
    assert ask(member, seen_photo=seen, seen_batch=seen, seen_grid=seen, seen_tabs=seen).status_code == 204


def test_state_sends_somebody_who_is_logged_out_to_the_login(client: Client, db: None) -> None:
    assert ask(client).headers["HX-Refresh"] == "true"


def test_state_costs_the_same_queries_for_one_photo_and_for_many(
    member: Client, user: User, model_version: ModelVersion
) -> None:
    photos = rows(user, 20)
    for photo in photos:
        caption(photo, model_version)

    def queries(asked: list[Photo]) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert ask(member, seen=[f"{photo.pk}:queued" for photo in asked]).status_code == 200
        return len(captured)

    assert queries(photos) == queries(photos[:1])
