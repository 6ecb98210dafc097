"""The staff's pages of photos, batches, jobs, models, accounts and tokens."""

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from captioner.errors import PHOTO_ERROR_CODES
from tests.brokers import Broker
from tests.webapp.rows import caption_make, model_version_make, photo_make, picture
from tests.webapp.staff_pages import act, html_of, page_of
from webapp.accounts.models import User
from webapp.batches.models import Batch, BatchItem
from webapp.captioning.admin.photos import FAILED_FOR
from webapp.captioning.models import CaptionJob
from webapp.captioning.services.decisions import caption_approve
from webapp.captioning.services.photo_intake import photo_submit
from webapp.photos import storage
from webapp.photos.models import Photo

State = CaptionJob.State


@pytest.mark.parametrize(
    "path",
    [
        "", "photos/photo/", "captioning/captionjob/", "batches/batch/", "batches/batchitem/",
        "captioning/modelversion/", "captioning/workerheartbeat/", "review/captionforreview/", "captioning/decision/",
        "accounts/user/", "api/authtoken/",
    ],
)  # fmt: skip
def test_page_opens_under_the_strict_policy_without_inline_code(page: Client, user: User, path: str) -> None:
    caption_make(user, model_version_make())
    response = page.get(f"/admin/{path}")
    html = response.content.decode()
    assert response.status_code == 200
    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert "<script>" not in html
    assert "<style" not in html
    assert ' style="' not in html


@pytest.mark.parametrize("model", ["photo", "captionjob", "batch", "batchitem", "modelversion", "workerheartbeat"])
def test_list_opens_with_counts_and_a_search(page: Client, user: User, model: str) -> None:
    caption_make(user, model_version_make())
    html_of(page, f"{page_of(model)}/?_facets=True&q=photo")


def test_photos_show_thumbnail_state_and_caption(page: Client, user: User) -> None:
    caption = caption_make(user, model_version_make(), text="a dog runs")
    html = html_of(page, "photos/photo/")
    assert f"/media/{caption.photo_id}/thumbnail/" in html
    assert "badge-done" in html
    assert "a dog runs" in html


def test_photos_take_as_many_queries_for_many_rows(
    page: Client, user: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    version = model_version_make()
    for _ in range(20):
        caption_make(user, version)
    with django_assert_max_num_queries(9):
        page.get("/admin/photos/photo/")


def test_photo_shows_preview_captions_objects_and_error(page: Client, user: User) -> None:
    photo = photo_make(user, state=State.FAILED, error_code="truncated", error_message="it ends too early")
    objects = [{"word": "cat", "probability": 0.83}, {"word": "cup", "probability": 0.12}]
    caption_make(user, model_version_make(), photo=photo, confidence=0.42, objects=objects)
    html = html_of(page, f"photos/photo/{photo.pk}/change/")
    preview = f"/media/{photo.pk}/preview/"
    for text in (preview, "truncated: it ends too early", "42%", "2 waiting", "cat 83%, cup 12%"):
        assert text in html


def test_photo_is_deleted_with_files_captions_and_reviews(
    page: Client, user: User, staff_user: User, django_capture_on_commit_callbacks: object
) -> None:
    photo, _ = photo_submit(owner=user, file=picture(), name="cat.png", enqueue=False)
    caption = caption_make(user, model_version_make(), photo=photo)
    caption_approve(caption=caption, reviewer=staff_user, seen=None)
    original = storage.media_path(photo.original)
    assert original.exists()
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        page.post(f"/admin/photos/photo/{photo.pk}/delete/", {"post": "yes"})
    assert not Photo.objects.exists()
    assert not original.exists()


def test_photos_are_deleted_together(page: Client, user: User) -> None:
    photos = [photo_make(user), photo_make(user)]
    data = {"action": "delete_selected", "_selected_action": [photo.pk for photo in photos], "post": "yes"}
    page.post("/admin/photos/photo/", data)
    assert not Photo.objects.exists()


def test_photos_are_not_deleted_without_the_right(viewer: Client, user: User) -> None:
    photo = photo_make(user)
    assert viewer.post(f"/admin/photos/photo/{photo.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Photo.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", [State.FAILED, State.QUARANTINED])
def test_jobs_that_failed_are_tried_again(
    client: Client, staff_user: User, user: User, broker: Broker, state: str
) -> None:
    client.force_login(staff_user)
    job = photo_make(user, state=state, error_code="harmful", harm_count=2).job
    assert "1 queued again" in act(client, "captionjob", "retry", job)
    job.refresh_from_db()
    assert (job.state, job.harm_count, job.error_code) == (State.QUEUED, 0, "")
    assert broker.length("interactive") == 1


@pytest.mark.django_db(transaction=True)
def test_files_of_a_batch_that_failed_are_tried_again(
    client: Client, staff_user: User, user: User, broker: Broker
) -> None:
    client.force_login(staff_user)
    batch = Batch.objects.create(owner=user, name="holiday", source=Batch.Source.ZIP)
    job = photo_make(user, state=State.FAILED).job
    items = [
        BatchItem.objects.create(batch=batch, name="a.jpg", key="a", photo=job.photo),
        BatchItem.objects.create(batch=batch, name="b.txt", key="b", outcome="failed"),  # there is no photo to caption
    ]
    assert "1 queued again" in act(client, "batchitem", "retry", *items)
    job.refresh_from_db()
    assert job.state == State.QUEUED


def test_jobs_that_are_done_refuse_another_try_and_the_page_says_so(page: Client, user: User) -> None:
    done, failed = photo_make(user, state=State.DONE), photo_make(user, state=State.FAILED)
    html = act(page, "photo", "retry", done, failed)
    assert "1 queued again" in html
    assert "only a failed or cancelled caption can be retried" in html


def test_many_refusals_are_summed_up(page: Client, user: User) -> None:
    html = act(page, "photo", "retry", *[photo_make(user, state=State.DONE) for _ in range(8)])
    assert "and 3 more" in html


def test_jobs_are_not_tried_again_without_the_right(viewer: Client, user: User) -> None:
    job = photo_make(user, state=State.FAILED).job
    assert "queued again" not in act(viewer, "captionjob", "retry", job)
    job.refresh_from_db()
    assert job.state == State.FAILED


def test_jobs_are_filtered_by_state_and_show_the_error(page: Client, user: User) -> None:
    photo_make(user, state=State.FAILED, error_code="truncated", error_message="ends too early")
    other = photo_make(user, state=State.DONE)
    html = html_of(page, "captioning/captionjob/?state__exact=failed")
    assert "truncated: ends too early" in html
    assert other.name not in html


@pytest.mark.parametrize(("code", "state"), [("truncated", State.FAILED), ("harmful", State.QUARANTINED)])
def test_jobs_are_filtered_by_error_code(page: Client, user: User, code: str, state: str) -> None:
    chosen = photo_make(user, state=state, error_code=code)
    other = photo_make(user, state=State.FAILED, error_code="empty")
    html = html_of(page, f"captioning/captionjob/?error_code={code}")
    assert chosen.name in html
    assert other.name not in html


def test_error_codes_to_filter_by_are_those_that_jobs_get() -> None:
    assert set(FAILED_FOR) == {*PHOTO_ERROR_CODES, "model_error"}


def test_photos_are_filtered_by_format(page: Client, user: User) -> None:
    photo_make(user)
    png = photo_make(user)
    Photo.objects.filter(pk=png.pk).update(format="PNG")
    assert page.get("/admin/photos/photo/?format=PNG").context["cl"].result_list.get() == png


def test_photos_in_one_state_stand_as_their_jobs_were_queued(page: Client, user: User) -> None:
    older, newer = (photo_make(user, state=State.FAILED) for _ in range(2))
    CaptionJob.objects.filter(photo=older).update(queued_at=timezone.now())  # it was tried again
    photo_make(user, state=State.DONE)
    listed = page.get("/admin/photos/photo/?job__state__exact=failed").context["cl"].result_list
    assert list(listed) == [older, newer]


def test_job_is_only_read(page: Client, user: User) -> None:
    job = photo_make(user).job
    assert page.post(f"/admin/captioning/captionjob/{job.pk}/change/", {"state": "done"}).status_code == 403
