"""The staff's page of the workers."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.brokers import Broker
from tests.webapp.rows import model_version_make, photo_make
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob, WorkerHeartbeat
from webapp.captioning.services.heartbeats import heartbeat_record

PATH = "/admin/captioning/workerheartbeat/"
REFRESH = {"hx-request": "true"}


def html_of(page: Client, **headers: str) -> str:
    response = page.get(PATH, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def test_workers_are_told_apart_by_how_they_are(page: Client, broker: Broker, user: User) -> None:
    version = model_version_make()
    for name, captions in (("well", 0), ("well", 1), ("stuck", 0), ("silent", 0)):
        heartbeat_record(name=name, device="cpu", model_version_id=version.pk, captions=captions)
    heartbeat_record(name="ended", device="cpu", model_version_id=None, error="vocab.json is missing")
    hour_ago = Now() - timedelta(hours=1)
    WorkerHeartbeat.objects.filter(name="silent").update(seen_at=hour_ago)
    WorkerHeartbeat.objects.filter(name="stuck").update(started_at=hour_ago)
    CaptionJob.objects.filter(photo=photo_make(user)).update(queued_at=hour_ago)
    html = html_of(page)
    for text in (
        "badge-worker-ok", "badge-worker-stalled", "badge-worker-gone", "badge-worker-error", "vocab.json is missing",
        "stuck finished nothing for 60 s",
    ):  # fmt: skip
        assert text in html


def test_workers_page_says_what_to_do_where_there_is_none(page: Client, broker: Broker) -> None:
    html = html_of(page)
    assert "No worker is running" in html
    assert "make run" in html


def test_workers_page_opens_without_a_broker(page: Client) -> None:
    assert "The broker does not answer" in html_of(page)


def test_workers_page_links_its_counts_to_the_photos(page: Client, broker: Broker, user: User) -> None:
    photo_make(user, state=CaptionJob.State.FAILED)
    assert '<a id="to-failed" href="/admin/captioning/captionjob/?state__exact=failed">1</a>' in html_of(page)


def test_workers_page_refreshes_by_its_inner_part_alone(page: Client, broker: Broker) -> None:
    assert f'hx-get="{PATH}"' in html_of(page)
    part = html_of(page, **REFRESH)
    assert "<html" not in part
    assert 'class="figures"' in part


@pytest.mark.parametrize(("told", "announced"), [("", True), (None, False)], ids=["changed", "as before"])
def test_workers_page_announces_what_is_wrong_once(
    page: Client, broker: Broker, told: str | None, announced: bool
) -> None:
    message = "No worker is running. Photos are stored, and captioned once a worker starts."
    response = page.get(PATH, {"told": message if told is None else told}, headers=REFRESH)
    assert ('id="announcer"' in response.content.decode()) == announced


def test_workers_page_takes_as_many_queries_for_many_workers(
    page: Client, broker: Broker, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    version = model_version_make()
    for number in range(30):
        heartbeat_record(name=f"host:{number}", device="cpu", model_version_id=version.pk)
    with django_assert_max_num_queries(12):
        page.get(PATH)


def test_workers_page_is_closed_to_staff_without_the_right(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("vera", is_staff=True))
    assert client.get(PATH).status_code == 403
