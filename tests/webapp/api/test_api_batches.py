import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from tests.webapp.api.test_api_photos import client_of
from tests.webapp.rows import photo_make, picture
from webapp.accounts.models import User
from webapp.api.models import AuthToken
from webapp.batches.models import Batch, BatchItem
from webapp.captioning.models import CaptionJob

State = CaptionJob.State


@pytest.fixture
def api(user: User) -> APIClient:
    return client_of(user)


@pytest.fixture
def batch(user: User) -> Batch:
    """Four files: one captioned, one waiting, one whose captioning failed, one that is no photo."""
    batch = Batch.objects.create(owner=user, name="holiday", source=Batch.Source.FOLDER)
    for name, state in (("a.jpg", State.DONE), ("b.jpg", State.QUEUED), ("c.jpg", State.FAILED)):
        error = {"error_code": "unreadable", "error_message": "why"} if state == State.FAILED else {}
        photo = photo_make(user, state=state, lane=CaptionJob.Lane.BULK, **error)
        BatchItem.objects.create(batch=batch, name=name, key=name, photo=photo)
    BatchItem.objects.create(
        batch=batch,
        name="d.txt",
        key="d.txt",
        outcome="failed",
        error_code="not_an_image",
        error_message="d.txt is no image.",
    )
    return batch


def zipped(*names: str) -> SimpleUploadedFile:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, picture().read())
    return SimpleUploadedFile("holiday.zip", content.getvalue(), "application/zip")


def test_zip_becomes_a_batch(api: APIClient, user: User) -> None:
    response = api.post("/api/v1/batches/", {"archive": zipped("a.png", "b.png"), "name": "Crete"}, format="multipart")
    assert response.status_code == 202
    body = response.json()
    batch = Batch.objects.get()
    assert (body["id"], body["name"], body["state"], body["progress"]["total"]) == (batch.pk, "Crete", "unpacking", 2)
    assert api.get(body["status_url"]).json() == body


def test_zip_that_is_none_is_unprocessable(api: APIClient) -> None:
    response = api.post("/api/v1/batches/", {"archive": SimpleUploadedFile("a.zip", b"no zip")}, format="multipart")
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "not_a_zip"
    assert not Batch.objects.exists()


def test_batch_without_a_file_is_400(api: APIClient) -> None:
    response = api.post("/api/v1/batches/", {"name": "Crete"}, format="multipart")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "no_file"


def test_batches_are_listed_with_their_progress(api: APIClient, batch: Batch, other_user: User) -> None:
    Batch.objects.create(owner=other_user, name="not mine", source=Batch.Source.ZIP)
    (listed,) = api.get("/api/v1/batches/").json()["results"]
    assert listed["id"] == batch.pk
    counts = {name: listed["progress"][name] for name in ("total", "captioned", "waiting", "failed", "settled")}
    assert counts == {"total": 4, "captioned": 1, "waiting": 1, "failed": 2, "settled": 3}
    assert listed["progress"]["finished"] is False


def test_batch_items_name_photo_or_error(api: APIClient, batch: Batch) -> None:
    done, _, failed, refused = api.get(f"/api/v1/batches/{batch.pk}/items/").json()["results"]
    assert done["status_url"].endswith(f"/api/v1/photos/{done['photo_id']}/")
    assert done["error"] is None
    assert (failed["state"], failed["error"]["code"]) == ("failed", "unreadable")
    assert (refused["photo_id"], refused["state"], refused["error"]["code"]) == (None, None, "not_an_image")


def test_batch_items_may_be_the_failed_alone(api: APIClient, batch: Batch) -> None:
    items = api.get(f"/api/v1/batches/{batch.pk}/items/?failed=true").json()["results"]
    assert [item["name"] for item in items] == ["c.jpg", "d.txt"]


def test_batch_is_paused_resumed_and_cancelled(api: APIClient, batch: Batch) -> None:
    states = [
        api.post(f"/api/v1/batches/{batch.pk}/{action}/").json()["state"] for action in ("pause", "resume", "cancel")
    ]
    assert states == ["paused", "running", "cancelled"]
    assert api.get(f"/api/v1/batches/{batch.pk}/").json()["progress"]["cancelled"] == 1


def test_batch_that_is_not_paused_cannot_be_resumed(api: APIClient, batch: Batch) -> None:
    response = api.post(f"/api/v1/batches/{batch.pk}/resume/")
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "wrong_state"


def test_read_token_may_not_pause(user: User, batch: Batch) -> None:
    response = client_of(user, scope=AuthToken.Scope.READ).post(f"/api/v1/batches/{batch.pk}/pause/")
    assert response.status_code == 403


@pytest.mark.parametrize("path", ["", "items/", "pause/"])
def test_somebody_elses_batch_is_404(other_user: User, batch: Batch, path: str) -> None:
    client = client_of(other_user)
    call = client.post if path == "pause/" else client.get
    assert call(f"/api/v1/batches/{batch.pk}/{path}").status_code == 404


@pytest.mark.parametrize("path", ["9" * 5000 + "/pause/", "9" * 30 + "/pause/", "1/delete/"])
def test_batch_or_action_that_cannot_be_is_404(api: APIClient, batch: Batch, path: str) -> None:
    assert api.post(f"/api/v1/batches/{path}").status_code == 404
