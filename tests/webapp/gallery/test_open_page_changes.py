"""What an open page asks every second."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.webapp.pages import caption, rows
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob, ModelVersion, WorkerHeartbeat
from webapp.photos.models import Photo

State = CaptionJob.State


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
