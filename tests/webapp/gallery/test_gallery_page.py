"""The gallery: what it shows, to whom, and at what cost."""

from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.pictures import upload
from tests.webapp.pages import JSON, caption, page, rows
from tests.webapp.rows import decision_make
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob, ModelVersion, WorkerHeartbeat
from webapp.gallery.views import photos

State = CaptionJob.State


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
        decision_make(caption(photo, model_version), user, "approved", "x")
    few = queries()
    for photo in rows(user, 20):
        decision_make(caption(photo, model_version), user, "approved", "x")
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


def test_page_that_breaks_says_so_calmly(member: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(photos, "captioning_notice", broken)
    member.raise_request_exception = False
    response = member.get("/")
    assert response.status_code == 500
    assert "Something broke" in response.content.decode()
    assert "secret detail" not in response.content.decode()


def test_page_that_is_not_there_leads_back(member: Client) -> None:
    response = member.get("/nowhere/")
    assert response.status_code == 404
    assert "Page not found" in response.content.decode()


def test_form_from_elsewhere_is_refused_in_words(user: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    assert "You have no access to this page" in strict.post("/batches/").content.decode()
