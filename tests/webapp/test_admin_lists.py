"""The staff's lists: how far they count, and that no list of theirs sorts what it does not show."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.pages.rows import STAFF, Site, site_fill
from tests.webapp.pages import page as html_of
from tests.webapp.pages import rows
from webapp import admin_paginator
from webapp.accounts.models import User
from webapp.captioning.models import CaptionJob, Decision, ModelVersion
from webapp.photos.models import Photo

PHOTOS, JOBS = "/admin/photos/photo/", "/admin/captioning/captionjob/"
REVIEW, DECISIONS, ITEMS = "/admin/review/captionforreview/", "/admin/captioning/decision/", "/admin/batches/batchitem/"
ON_PAGE = 50
FEW_ROWS = "PostgreSQL reads and sorts what is so little"

pytestmark = pytest.mark.django_db


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(admin_paginator, "COUNTED", 60)
    return 60


def test_short_list_is_counted_to_its_end(page: Client, user: User, counted: int) -> None:
    rows(user, counted)
    assert f"\n{counted} photos\n" in html_of(page, PHOTOS)


def test_long_list_is_counted_up_to_a_bound_and_says_so(page: Client, user: User, counted: int) -> None:
    rows(user, counted + 1)
    html = html_of(page, PHOTOS)
    assert "\n60+ photos\n" in html
    assert "Select all 60+ photos" in html


def test_filtered_list_is_counted_up_to_a_bound_too(page: Client, user: User, counted: int) -> None:
    rows(user, counted + 1, state=CaptionJob.State.FAILED)
    assert "\n60+ caption jobs\n" in html_of(page, JOBS, state__exact="failed")
    assert "\n0 caption jobs\n" in html_of(page, JOBS, state__exact="done")


def test_bound_stands_in_the_query(page: Client, user: User, counted: int) -> None:
    with CaptureQueriesContext(connection) as asked:
        page.get(PHOTOS)
    (count,) = (query["sql"] for query in asked if "COUNT(" in query["sql"])
    assert f"LIMIT {counted + 1}" in count


def test_every_row_of_a_long_list_is_reached_from_page_to_page(page: Client, user: User, counted: int) -> None:
    rows(user, 130)
    reached, number, told = set[int](), 1, []
    while True:
        shown = page.get(PHOTOS, {"p": number}).context["cl"]
        reached |= {photo.pk for photo in shown.result_list}
        told.append(str(shown.result_count))
        if number == shown.paginator.num_pages:
            break
        number = shown.paginator.num_pages
    assert told == ["60+", "110+", "130"]
    assert reached == set(Photo.objects.values_list("pk", flat=True))


def test_action_on_all_reaches_the_rows_beyond_the_bound(page: Client, user: User, counted: int) -> None:
    photos = rows(user, counted + 10, state=CaptionJob.State.CANCELLED)
    data = {"action": "retry", "_selected_action": [photos[0].pk], "select_across": "1"}
    page.post(JOBS, data)
    assert CaptionJob.objects.filter(state=CaptionJob.State.QUEUED).count() == len(photos)


@pytest.mark.parametrize("number", ["9", "0", "x", "²", "9" * 30], ids=str)
def test_page_that_is_not_there_is_no_error(page: Client, user: User, number: str) -> None:
    rows(user, ON_PAGE + 1)
    assert page.get(PHOTOS, {"p": number}, follow=True).status_code == 200


# --- Orders -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def site(db: None) -> Site:
    return site_fill(owner="ada", count=60)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (PHOTOS, {}),
        (PHOTOS, {"job__state__exact": "done"}),
        (PHOTOS, {"review_state__exact": "edited"}),
        (JOBS, {}),
        (JOBS, {"state__exact": "done"}),
        (JOBS, {"error_code": "harmful"}),
        (REVIEW, {}),
        (REVIEW, {"decision": "edited"}),
        (REVIEW, {"confidence": "40-60"}),
        (REVIEW, {"decision": "undecided", "confidence": "40-60"}),
        (REVIEW, {"model_version": "ACTIVE"}),
        (REVIEW, {"model_version": "ACTIVE", "confidence": "40-60"}),
        (DECISIONS, {}),
        (ITEMS, {"batch": "BATCH"}),
        (ITEMS, {"batch": "BATCH", "outcome__exact": "taken"}),
        (ITEMS, {"batch": "BATCH", "job_state": "failed"}),
    ],
    ids=str,
)
def test_list_reads_its_rows_in_the_order_of_an_index(
    client: Client, site: Site, path: str, query: dict[str, str]
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip(FEW_ROWS)
    client.force_login(User.objects.get(username=STAFF))
    known = {"ACTIVE": ModelVersion.objects.get(state="active").pk, "BATCH": site.batch}
    shown = client.get(path, {name: known.get(value, value) for name, value in query.items()}).context["cl"]
    assert "TEMP B-TREE" not in shown.queryset[:ON_PAGE].explain()


def test_next_caption_is_looked_up_in_the_order_of_an_index(site: Site) -> None:
    if connection.vendor != "sqlite":
        pytest.skip(FEW_ROWS)
    client = Client()
    client.force_login(User.objects.get(username=STAFF))
    with CaptureQueriesContext(connection) as asked:
        client.post(f"{REVIEW}{site.undecided}/change/", {"decision": "approve", "text": "", "seen": ""})
    assert Decision.objects.filter(caption=site.undecided).exists()
    queue = [query["sql"] for query in asked if 'ORDER BY "captioning_caption"."review_state" DESC' in query["sql"]]
    assert queue
    with connection.cursor() as cursor:
        for sql in queue:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            assert not [row for row in cursor.fetchall() if "TEMP B-TREE" in row[-1]]
