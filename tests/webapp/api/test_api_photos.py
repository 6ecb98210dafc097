"""Photos over REST, through the real upload: files stored, opened in child processes, messages on a real broker."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from tests.brokers import Broker
from tests.webapp.rows import caption_make, model_version_make, photo_make, picture
from webapp.accounts.models import User
from webapp.api.models import AuthToken
from webapp.captioning.models import CaptionJob
from webapp.captioning.services.decisions import caption_edit, caption_reject
from webapp.photos.models import Photo

State = CaptionJob.State
BROKEN = b"\x89PNG\r\n\x1a\n and then nothing"


def client_of(user: User, *, scope: str = AuthToken.Scope.WRITE) -> APIClient:
    _, secret = AuthToken.objects.create(user=user, scope=scope)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    return client


@pytest.fixture
def api(user: User) -> APIClient:
    return client_of(user)


def test_upload_answers_with_id_and_status_url(api: APIClient) -> None:
    response = api.post("/api/v1/photos/", {"file": picture("cat.png")}, format="multipart")
    assert response.status_code == 202
    (result,) = response.json()["results"]
    photo = Photo.objects.get()
    assert result == {
        "name": "cat.png",
        "id": photo.pk,
        "status_url": f"http://testserver/api/v1/photos/{photo.pk}/",
        "state": "queued",
        "created": True,
        "error": None,
    }
    assert api.get(result["status_url"]).json()["state"] == "queued"


@pytest.mark.django_db(transaction=True)
def test_upload_publishes_the_job(user: User, broker: Broker) -> None:
    client_of(user).post("/api/v1/photos/", {"file": picture()}, format="multipart")
    assert broker.length("interactive") == 1


@pytest.mark.django_db(transaction=True)
def test_upload_is_accepted_while_the_broker_is_down(user: User) -> None:
    response = client_of(user).post("/api/v1/photos/", {"file": picture()}, format="multipart")
    assert response.status_code == 202
    assert Photo.objects.get().job.state == State.QUEUED


def test_upload_takes_the_neighbours_of_a_broken_file(api: APIClient) -> None:
    files = [picture("a.png", color="red"), SimpleUploadedFile("bad.png", BROKEN), picture("b.png", color="blue")]
    response = api.post("/api/v1/photos/", {"file": files}, format="multipart")
    body = response.json()
    assert response.status_code == 202
    assert (body["accepted"], body["rejected"]) == (2, 1)
    first, bad, last = body["results"]
    assert {first["id"], last["id"]} == set(Photo.objects.values_list("pk", flat=True))
    assert (bad["id"], bad["status_url"]) == (None, None)
    assert bad["error"]["code"] in {"truncated", "unreadable", "not_an_image"}
    assert "bad.png" in bad["error"]["message"]


def test_upload_of_broken_files_alone_is_unprocessable(api: APIClient) -> None:
    files = [SimpleUploadedFile("bad.png", BROKEN), SimpleUploadedFile("notes.txt", b"hello")]
    response = api.post("/api/v1/photos/", {"file": files}, format="multipart")
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "all_rejected"
    assert len(response.json()["results"]) == 2
    assert not Photo.objects.exists()


def test_upload_of_one_broken_file_says_why_at_the_top(api: APIClient) -> None:
    response = api.post("/api/v1/photos/", {"file": SimpleUploadedFile("empty.png", b"")}, format="multipart")
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "empty"


def test_upload_of_too_large_a_file_is_413(api: APIClient, settings: Settings) -> None:
    settings.UPLOAD_MAX_BYTES = 10
    response = api.post("/api/v1/photos/", {"file": picture()}, format="multipart")
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "too_many_bytes"


def test_upload_on_a_full_disk_is_507_when_nothing_was_stored(api: APIClient, full_for: Callable[[str], None]) -> None:
    full_for("full.png")
    files = [picture("full.png"), SimpleUploadedFile("bad.png", BROKEN)]
    response = api.post("/api/v1/photos/", {"file": files}, format="multipart")
    assert (response.status_code, response.json()["rejected"]) == (507, 2)
    files = [picture("full.png"), picture("b.png", color="tan")]
    response = api.post("/api/v1/photos/", {"file": files}, format="multipart")
    assert (response.status_code, response.json()["accepted"]) == (202, 1)
    assert response.json()["results"][0]["error"]["code"] == "no_space"


def test_upload_of_too_many_files_is_413_and_stores_nothing(api: APIClient, settings: Settings) -> None:
    settings.UPLOAD_MAX_FILES = 1
    files = [picture("a.png", color="red"), picture("b.png", color="blue")]
    response = api.post("/api/v1/photos/", {"file": files}, format="multipart")
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "too_many_files"
    assert not Photo.objects.exists()


def test_upload_of_more_files_than_the_parser_takes_is_413(api: APIClient, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 1
    files = [picture("a.png", color="red"), picture("b.png", color="blue")]
    response = api.post("/api/v1/photos/", {"file": files}, format="multipart")
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (413, "too_many_files")
    assert "More than 1 files were sent at once; the limit is 100." in error["message"]


def test_upload_without_a_file_is_400(api: APIClient) -> None:
    response = api.post("/api/v1/photos/", {"photo": picture()}, format="multipart")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "no_file"


def test_upload_of_the_same_file_again_gives_the_first_photo(api: APIClient) -> None:
    first = api.post("/api/v1/photos/", {"file": picture("a.png")}, format="multipart").json()["results"][0]
    again = api.post("/api/v1/photos/", {"file": picture("b.png")}, format="multipart").json()["results"][0]
    assert again["id"] == first["id"]
    assert again["created"] is False


def test_upload_that_is_not_multipart_is_415(api: APIClient) -> None:
    response = api.post("/api/v1/photos/", {"file": "x"}, format="json")
    assert response.status_code == 415
    assert response.json()["error"]["code"] == "unsupported_media_type"


def test_read_token_may_not_upload(user: User) -> None:
    client = client_of(user, scope=AuthToken.Scope.READ)
    response = client.post("/api/v1/photos/", {"file": picture()}, format="multipart")
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "read_only_token"
    assert not Photo.objects.exists()


def test_read_token_may_list(user: User) -> None:
    photo_make(user)
    assert client_of(user, scope=AuthToken.Scope.READ).get("/api/v1/photos/").json()["count"] == 1


def test_list_shows_own_photos_newest_first(api: APIClient, user: User, other_user: User) -> None:
    older, newer = photo_make(user), photo_make(user)
    photo_make(other_user)
    assert [photo["id"] for photo in api.get("/api/v1/photos/").json()["results"]] == [newer.pk, older.pk]


def test_list_is_filtered_by_states(api: APIClient, user: User) -> None:
    failed = photo_make(user, state=State.FAILED)
    done = photo_make(user, state=State.DONE)
    photo_make(user)
    response = api.get("/api/v1/photos/?state=failed&state=done")
    assert {photo["id"] for photo in response.json()["results"]} == {failed.pk, done.pk}


def test_list_refuses_an_unknown_state(api: APIClient) -> None:
    response = api.get("/api/v1/photos/?state=lost")
    assert response.status_code == 400
    assert "lost" in response.json()["error"]["message"]
    assert "queued" in response.json()["error"]["message"]


def test_list_has_pages(api: APIClient, user: User) -> None:
    for _ in range(3):
        photo_make(user)
    page = api.get("/api/v1/photos/?page_size=2").json()
    assert (page["count"], len(page["results"])) == (3, 2)
    assert len(api.get(page["next"]).json()["results"]) == 1


def test_list_beyond_the_last_page_is_404(api: APIClient) -> None:
    response = api.get("/api/v1/photos/?page=9")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_list_takes_as_many_queries_for_many_photos(
    api: APIClient, user: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    model_version = model_version_make()
    for _ in range(12):
        caption = caption_make(user, model_version)
        caption_reject(caption=caption, reviewer=user, seen=None)
    with django_assert_max_num_queries(8):
        assert len(api.get("/api/v1/photos/").json()["results"]) == 12


def test_detail_tells_all_of_a_captioned_photo(api: APIClient, user: User) -> None:
    model_version = model_version_make()
    caption = caption_make(user, model_version, text="a dog runs", confidence=0.25)
    body = api.get(f"/api/v1/photos/{caption.photo_id}/").json()
    assert body["state"] == "done"
    assert (body["caption"], body["caption_by"], body["confidence"]) == ("a dog runs", "model", 0.25)
    assert body["words"][1] == {"text": "dog", "log_probability": -0.5}
    assert body["alternatives"][1] == {"text": "a cat sits", "confidence": 0.1}
    assert body["model_version"] == {
        "id": model_version.pk, "name": model_version.name, "version": model_version.version
    }  # fmt: skip
    assert (body["error"], body["review"]) == (None, None)
    assert (body["timings"]["decode_ms"], body["timings"]["wait_ms"], body["timings"]["model_ms"]) == (1.5, 2.5, 3.5)
    assert body["timings"]["queued_at"].endswith("Z")


def test_detail_of_a_waiting_photo_has_no_caption(api: APIClient, user: User) -> None:
    body = api.get(f"/api/v1/photos/{photo_make(user).pk}/").json()
    assert body["state"] == "queued"
    assert body["caption"] is body["caption_by"] is body["model_version"] is body["timings"]["model_ms"] is None
    assert body["words"] == body["alternatives"] == body["objects"] == []


def test_detail_of_a_failed_photo_names_code_and_message(api: APIClient, user: User) -> None:
    photo = photo_make(user, state=State.FAILED, error_code="truncated", error_message="a.jpg: it ends too early.")
    body = api.get(f"/api/v1/photos/{photo.pk}/").json()
    assert body["error"] == {"code": "truncated", "message": "a.jpg: it ends too early."}


def test_detail_shows_the_persons_text_and_keeps_the_machines(api: APIClient, user: User, staff_user: User) -> None:
    caption = caption_make(user, model_version_make(), text="a dog runs")
    caption_edit(caption=caption, reviewer=staff_user, text="Two dogs run.", seen=None)
    body = api.get(f"/api/v1/photos/{caption.photo_id}/").json()
    assert (body["caption"], body["caption_by"], body["machine_caption"]) == ("Two dogs run.", "person", "a dog runs")
    assert body["review"]["decision"] == "edited"
    assert body["review"]["reviewer"] == "edith"


def test_detail_of_somebody_elses_photo_is_404(api: APIClient, other_user: User) -> None:
    response = api.get(f"/api/v1/photos/{photo_make(other_user).pk}/")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
    assert "/api/v1/photos/" in response.json()["error"]["message"]


def test_detail_of_a_huge_id_is_404(api: APIClient) -> None:
    assert api.get(f"/api/v1/photos/{10**30}/").status_code == 404


def test_delete_removes_the_photo(api: APIClient, user: User) -> None:
    photo = photo_make(user)
    assert api.delete(f"/api/v1/photos/{photo.pk}/").status_code == 204
    assert not Photo.objects.filter(pk=photo.pk).exists()


def test_delete_of_somebody_elses_photo_is_404(api: APIClient, other_user: User) -> None:
    photo = photo_make(other_user)
    assert api.delete(f"/api/v1/photos/{photo.pk}/").status_code == 404
    assert Photo.objects.filter(pk=photo.pk).exists()


def test_retry_queues_a_failed_photo(api: APIClient, user: User) -> None:
    photo = photo_make(user, state=State.FAILED, error_code="unreadable", error_message="why")
    response = api.post(f"/api/v1/photos/{photo.pk}/retry/")
    assert response.status_code == 202
    assert (response.json()["state"], response.json()["error"]) == ("queued", None)


def test_retry_of_a_captioned_photo_is_a_conflict(api: APIClient, user: User) -> None:
    photo = photo_make(user, state=State.DONE)
    response = api.post(f"/api/v1/photos/{photo.pk}/retry/")
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "not_retryable"


@pytest.mark.parametrize("name", ["x" * 4000 + ".png", "a\\b.png"], ids=["long", "backslash"])
def test_upload_refuses_a_bad_name_and_takes_its_neighbour(api: APIClient, name: str) -> None:
    bad = picture("bad.png", color="red")
    bad._name = name  # type: ignore[attr-defined]  # the test client sends it as it is; `name` itself would make it safe
    response = api.post("/api/v1/photos/", {"file": [bad, picture("good.png")]}, format="multipart")
    refused, taken = response.json()["results"]
    assert response.status_code == 202
    assert refused["error"]["code"] == "bad_name"
    assert taken["error"] is None
