"""The pages of batches."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.webapp.conftest import files_of
from tests.webapp.pages import JSON
from tests.webapp.zips import create, pictures, unpacked, zipped
from webapp.accounts.models import User
from webapp.batches.models import Batch, BatchItem
from webapp.batches.services.zip_unpacking import batch_unpack
from webapp.captioning.models import CaptionJob
from webapp.photos import storage

State = CaptionJob.State


def test_zip_sent_by_the_form_leads_to_its_page(media: Path, member: Client) -> None:
    response = member.post("/batches/", {"archive": SimpleUploadedFile("h.zip", zipped(pictures()))}, follow=True)
    shown = response.content.decode()
    assert response.redirect_chain[0][0] == f"/batches/{Batch.objects.get().pk}/"
    assert "<strong>0</strong> of 4 captioned, 4 not taken in yet" in shown


def test_zip_sent_by_script_answers_with_its_page(media: Path, member: Client) -> None:
    content = SimpleUploadedFile("h.zip", zipped(pictures()))
    (result,) = member.post("/batches/", {"archive": content}, headers=JSON).json()["results"]
    assert (result["status"], result["url"]) == ("created", f"/batches/{Batch.objects.get().pk}/")


def test_zip_that_is_none_is_told(media: Path, member: Client) -> None:
    content = SimpleUploadedFile("h.zip", b"no zip")
    assert (
        "h.zip: The file is not a zip" in member.post("/batches/", {"archive": content}, follow=True).content.decode()
    )
    response = member.post("/batches/", {}, headers=JSON)
    assert (response.status_code, response.json()["results"][0]["code"]) == (400, "no_file")


def test_batch_page_lists_failures_by_the_page(member: Client, user: User) -> None:
    batch = Batch.objects.create(owner=user, name="b", source=Batch.Source.ZIP)
    items = [
        BatchItem(
            batch=batch, name=f"{n}.jpg", key=f"{n}.jpg", outcome="failed", error_code="empty", error_message=f"no {n}."
        )
        for n in range(60)
    ]
    BatchItem.objects.bulk_create(items)
    first = member.get(f"/batches/{batch.pk}/?show=failures").content.decode()
    assert "no 49." in first
    assert "no 50." not in first
    assert "no 50." in member.get(f"/batches/{batch.pk}/?show=failures&page=2").content.decode()


def test_batch_pages_cost_the_same_queries_for_one_and_for_many(
    media: Path, member: Client, user: User, django_assert_max_num_queries
) -> None:
    for number in range(5):
        batch = Batch.objects.create(owner=user, name=f"b{number}", source=Batch.Source.ZIP)
        BatchItem.objects.bulk_create(
            [
                BatchItem(batch=batch, name=f"{n}.jpg", key=f"{n}.jpg", outcome="failed", error_code="empty")
                for n in range(9)
            ]
        )
    with django_assert_max_num_queries(7):
        member.get("/batches/")
    with django_assert_max_num_queries(8):
        member.get(f"/batches/{batch.pk}/")
    with django_assert_max_num_queries(8):
        member.get(f"/batches/{batch.pk}/?show=failures")


def test_batch_is_paused_resumed_and_cancelled_by_its_page(media: Path, member: Client, user: User) -> None:
    batch = unpacked(user, zipped(pictures()))
    for action, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert member.post(f"/batches/{batch.pk}/{action}/").headers["Location"] == f"/batches/{batch.pk}/"
        assert Batch.objects.get().state == state
    again = member.post(f"/batches/{batch.pk}/cancel/", follow=True)
    assert "is cancelled, so it cannot be cancelled" in again.content.decode()


@pytest.mark.parametrize("action", ["pause", "resume", "cancel"])
def test_batch_of_somebody_else_is_not_there(client: Client, user: User, other_user: User, action: str) -> None:
    batch = Batch.objects.create(owner=user, name="b", source=Batch.Source.ZIP)
    client.force_login(other_user)
    assert client.get(f"/batches/{batch.pk}/").status_code == 404
    assert client.post(f"/batches/{batch.pk}/{action}/").status_code == 404
    assert "b</a>" not in client.get("/batches/").content.decode()


def test_batch_knows_no_other_action(member: Client, user: User) -> None:
    batch = Batch.objects.create(owner=user, name="b", source=Batch.Source.ZIP)
    assert member.post(f"/batches/{batch.pk}/explode/").status_code == 404


def test_state_brings_progress_photos_and_the_end_to_an_open_batch_page(
    media: Path, member: Client, user: User
) -> None:
    batch = create(user, zipped(pictures()))
    page = member.get(f"/batches/{batch.pk}/")
    seen = {
        "seen_batch": page.context["seen_batch"],
        "seen_grid": page.context["seen_grid"],
        "notice": page.context["notice"],
    }
    assert member.get("/state/", seen).status_code == 204
    batch_unpack(batch_id=batch.pk)
    shown = member.get("/state/", seen).content.decode()
    assert "of 4 captioned, 4 waiting" in shown
    assert shown.count('<li class="card queued"') == 4
    CaptionJob.objects.update(state=State.DONE)
    assert "Finished" in member.get("/state/", seen).content.decode()


def test_storage_folder_remove_takes_a_folder_or_one_of_its_files(media: Path) -> None:
    for name in ("photos/ab/one", "photos/ab/two"):
        (media / name).mkdir(parents=True)
        (media / name / "original").write_bytes(b"x")
    storage.folder_remove("photos/ab/one")
    storage.folder_remove("photos/ab/two/original")
    assert not files_of(media)


@pytest.mark.parametrize("name", ["photos/ab/gone", "photos/ab/gone/original"])
def test_storage_folder_remove_leaves_the_neighbours_of_a_folder_that_is_gone(media: Path, name: str) -> None:
    (media / "photos/ab/other").mkdir(parents=True)
    (media / "photos/ab/other/original").write_bytes(b"x")
    storage.folder_remove(name)
    assert files_of(media)


@pytest.mark.parametrize("name", ["", ".", "photos", "photos/ab", "photos/ab/cd/original/more"])
def test_storage_folder_remove_refuses_what_is_no_published_folder(media: Path, name: str) -> None:
    (media / "photos/ab/cd").mkdir(parents=True)
    (media / "photos/ab/cd/original").write_bytes(b"x")
    with pytest.raises(ValueError, match="names no published folder"):
        storage.folder_remove(name)
    assert files_of(media)
