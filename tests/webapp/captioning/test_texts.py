"""The text of a photo follows whatever decides it, in the same transaction."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from tests.webapp.job_rows import job_lease, job_make
from tests.webapp.rows import caption_make, decision_make, model_version_make, photo_make
from webapp.accounts.models import User
from webapp.captioning.models import Caption, ModelVersion
from webapp.captioning.services.decisions import caption_approve, caption_edit, caption_reject
from webapp.captioning.services.leases import captions_record
from webapp.captioning.services.model_versions import model_version_activate
from webapp.captioning.services.texts import texts_check, texts_settle
from webapp.photos.models import Photo

FIELDS: dict[str, Any] = {
    "text": "A dog runs.", "confidence": 0.5, "words": [], "decode_ms": 1, "wait_ms": 1, "model_ms": 1,
}  # fmt: skip


@pytest.fixture
def active(db: None) -> ModelVersion:
    return model_version_make(state="active")


def shown(photo: Photo) -> tuple[str, str, str]:
    photo.refresh_from_db()
    return photo.text, photo.text_by, photo.review_state


def test_photo_without_a_caption_has_no_text(user: User) -> None:
    assert shown(photo_make(user)) == ("", "", "undecided")


def test_recording_a_caption_settles_the_text(user: User, active: ModelVersion) -> None:
    job = job_make(user)
    captions_record(captions={job_lease(job): FIELDS}, model_version_id=active.pk)
    assert shown(job.photo) == ("A dog runs.", "model", "undecided")
    assert job.photo.caption == Caption.objects.get()
    assert job.photo.text_at == Caption.objects.get().created_at
    assert job.photo.search_words.startswith("a dog runs ¦ ")


def test_recording_captions_costs_the_same_statements_for_one_and_for_many(
    user: User, active: ModelVersion, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    jobs = [job_make(user) for _ in range(17)]
    leases = [job_lease(job) for job in jobs]
    with django_assert_num_queries(8):
        captions_record(captions={leases[0]: FIELDS}, model_version_id=active.pk)
    with django_assert_num_queries(8):
        captions_record(captions=dict.fromkeys(leases[1:], FIELDS), model_version_id=active.pk)


@pytest.mark.parametrize(
    ("decide", "expected"),
    [
        (caption_approve, ("a dog runs", "model", "approved")),
        (lambda **known: caption_edit(**known, text="Two dogs."), ("Two dogs.", "person", "edited")),
        (caption_reject, ("a dog runs", "model", "rejected")),
    ],
    ids=["approve", "edit", "reject"],
)
def test_decision_settles_the_text(
    user: User, staff_user: User, active: ModelVersion, decide: Callable[..., object], expected: tuple[str, str, str]
) -> None:
    caption = caption_make(user, active)
    decide(caption=caption, reviewer=staff_user, seen=None)
    assert shown(caption.photo) == expected
    caption.refresh_from_db()
    assert caption.review_state == expected[2]


def test_decision_that_fails_leaves_the_text(user: User, staff_user: User, active: ModelVersion) -> None:
    caption = caption_make(user, active)

    def edit_and_fail() -> None:
        with transaction.atomic():
            caption_edit(caption=caption, reviewer=staff_user, text="Two dogs.", seen=None)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        edit_and_fail()
    assert shown(caption.photo) == ("a dog runs", "model", "undecided")


def test_newer_model_never_writes_over_a_persons_text(user: User, staff_user: User, active: ModelVersion) -> None:
    caption = caption_make(user, active)
    caption_edit(caption=caption, reviewer=staff_user, text="Two dogs.", seen=None)
    newer = caption_make(user, model_version_make(state="verified"), text="a wolf", photo=caption.photo)
    model_version_activate(model_version_id=newer.model_version_id)
    assert shown(caption.photo) == ("Two dogs.", "person", "edited")


def test_activating_a_model_shows_what_it_wrote_and_returning_what_the_former_wrote(
    user: User, active: ModelVersion
) -> None:
    caption = caption_make(user, active)
    newer = caption_make(user, model_version_make(state="verified"), text="a wolf", photo=caption.photo)
    assert shown(caption.photo)[0] == "a dog runs"
    model_version_activate(model_version_id=newer.model_version_id)
    assert shown(caption.photo)[0] == "a wolf"
    model_version_activate(model_version_id=active.pk)
    assert shown(caption.photo)[0] == "a dog runs"


def test_activating_a_model_touches_no_photo_with_one_caption(
    user: User, active: ModelVersion, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    caption_make(user, active)
    chosen = model_version_make(state="verified")
    looks = 2 if connection.features.has_select_for_update else 1  # the second one after the commit
    with django_assert_num_queries(6 + looks):
        model_version_activate(model_version_id=chosen.pk)


def test_photo_can_be_deleted_with_the_caption_that_it_shows(user: User, active: ModelVersion) -> None:
    caption_make(user, active).photo.delete()
    connection.check_constraints()
    assert not Caption.objects.exists()


def test_check_finds_what_is_wrong_and_repairs_it(user: User, staff_user: User, active: ModelVersion) -> None:
    right, wrong = caption_make(user, active), caption_make(user, active)
    decision_make(wrong, staff_user, "edited", "Two dogs.")
    Photo.objects.filter(pk=wrong.photo_id).update(text="other", text_by="import", search_words="")
    Caption.objects.filter(pk=right.pk).update(review_state="rejected")
    (looked_at, differences), *rest = texts_check(repair=False)
    assert (looked_at, [difference.photo_id for difference in differences], rest) == (
        2, [right.photo_id, wrong.photo_id], [],
    )  # fmt: skip
    assert "text is 'other', should be 'Two dogs.'" in str(differences[1])
    assert f"caption {right.pk} should be undecided" in str(differences[0])
    assert shown(wrong.photo) == ("other", "import", "edited")
    list(texts_check(repair=True))
    assert shown(wrong.photo) == ("Two dogs.", "person", "edited")
    assert list(texts_check(repair=False)) == [(2, [])]


@pytest.mark.django_db(transaction=True)
def test_caption_and_decision_at_the_same_moment_both_count(user: User, staff_user: User) -> None:
    """Each settles after the other's change is there, or waits for it."""
    active, retired = model_version_make(state="active"), model_version_make()
    for round_ in range(5):
        caption = caption_make(user, retired, text=f"round {round_}")
        start = threading.Barrier(2)

        def decide(caption: Caption = caption, start: threading.Barrier = start) -> None:
            start.wait()
            caption_approve(caption=caption, reviewer=staff_user, seen=None)
            connection.close()

        def write(caption: Caption = caption, start: threading.Barrier = start) -> None:
            start.wait()
            with transaction.atomic():
                Caption.objects.create(photo=caption.photo, model_version=active, **FIELDS)
                texts_settle([caption.photo_id])
            connection.close()

        threads = [threading.Thread(target=target) for target in (decide, write)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert shown(caption.photo) == (f"round {round_}", "model", "approved")
    assert all(not differences for _, differences in texts_check(repair=False))
