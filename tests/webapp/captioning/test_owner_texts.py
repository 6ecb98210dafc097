"""The owner's text of a photo: decisions on the caption that stands below it."""

import threading

import pytest
from django.db import connection

from tests.webapp.rows import caption_make, decision_make, model_version_make, photo_make
from webapp.accounts.models import User
from webapp.captioning.errors import CaptionMissing, DecisionConflict, TextRejected
from webapp.captioning.models import Caption, Decision, ModelVersion
from webapp.captioning.services.decisions import (
    caption_approve,
    captions_approve,
    photo_text_put_back,
    photo_text_write,
)
from webapp.captioning.services.model_versions import model_version_activate
from webapp.captioning.services.texts import texts_check
from webapp.photos.models import Photo

Verdict = Decision.Verdict


@pytest.fixture
def version(db: None) -> ModelVersion:
    return model_version_make(state="active")


@pytest.fixture
def caption(user: User, version: ModelVersion) -> Caption:
    return caption_make(user, version, text="a dog runs")


@pytest.fixture
def photo(caption: Caption) -> Photo:
    return caption.photo


def shown(photo: Photo) -> tuple[str, str, str]:
    photo.refresh_from_db()
    assert all(not differences for _, differences in texts_check(repair=False))
    return photo.text, photo.text_by, photo.review_state


def write(photo: Photo, writer: User, text: str, seen: int | None = None) -> int:
    return photo_text_write(photo=photo, writer=writer, text=text, seen=seen).pk


def test_owners_text_stands_below_the_photo(photo: Photo, user: User) -> None:
    write(photo, user, " Two\ndogs. ")
    assert shown(photo) == ("Two dogs.", "person", "edited")


def test_owners_empty_text_leaves_the_photo_without_one(photo: Photo, user: User) -> None:
    write(photo, user, "")
    assert shown(photo) == ("", "person", "edited")


@pytest.mark.parametrize("text", ["Two dogs.", ""], ids=["text", "no text"])
def test_owners_text_is_not_written_over_by_a_newer_model(photo: Photo, user: User, text: str) -> None:
    write(photo, user, text)
    newer = caption_make(user, model_version_make(state="verified"), text="a wolf", photo=photo)
    model_version_activate(model_version_id=newer.model_version_id)
    assert shown(photo) == (text, "person", "edited")


def test_owner_who_writes_the_machines_text_approves_it(photo: Photo, user: User) -> None:
    seen = write(photo, user, "Two dogs.")
    write(photo, user, "a dog runs", seen)
    assert shown(photo) == ("a dog runs", "model", "approved")


def test_owners_text_is_told_where_it_is_too_long(photo: Photo, user: User) -> None:
    with pytest.raises(TextRejected, match=r"1001 characters.*1000"):
        write(photo, user, "é" * 1001)
    assert shown(photo)[2] == "undecided"


def test_owners_text_may_have_a_thousand_characters(photo: Photo, user: User) -> None:
    write(photo, user, "🦊" * 1000)
    assert shown(photo)[0] == "🦊" * 1000


def test_second_page_is_told_what_the_first_wrote(photo: Photo, user: User, staff_user: User) -> None:
    first = write(photo, staff_user, "Two dogs.")
    with pytest.raises(DecisionConflict, match="edith edited") as told:
        write(photo, user, "Three dogs.")
    assert told.value.newest.pk == first
    assert shown(photo)[0] == "Two dogs."


def test_text_that_was_sent_twice_is_decided_once(photo: Photo, user: User) -> None:
    assert write(photo, user, "Two dogs.") == write(photo, user, "Two dogs.")


def test_second_page_is_told_of_a_decision_on_another_caption(photo: Photo, user: User, staff_user: User) -> None:
    other = caption_make(user, model_version_make(), text="a wolf", photo=photo)
    caption_approve(caption=other, reviewer=staff_user, seen=None)
    with pytest.raises(DecisionConflict):
        write(photo, user, "Three dogs.")


def test_put_back_brings_the_machines_text_and_keeps_the_history(photo: Photo, user: User) -> None:
    seen = write(photo, user, "Two dogs.")
    photo_text_put_back(photo=photo, writer=user, seen=seen)
    assert shown(photo) == ("a dog runs", "model", "undecided")
    history = Decision.objects.order_by("id").values_list("verdict", "text")
    assert list(history) == [(Verdict.EDITED, "Two dogs."), (Verdict.WITHDRAWN, "")]


def test_put_back_lets_the_active_model_speak(photo: Photo, user: User) -> None:
    seen = write(photo, user, "Two dogs.")
    newer = caption_make(user, model_version_make(state="verified"), text="a wolf", photo=photo)
    model_version_activate(model_version_id=newer.model_version_id)
    photo_text_put_back(photo=photo, writer=user, seen=seen)
    assert shown(photo) == ("a wolf", "model", "undecided")


def test_put_back_brings_what_was_decided_on_another_caption(photo: Photo, user: User, staff_user: User) -> None:
    other = caption_make(user, model_version_make(), text="a wolf", photo=photo)
    decision_make(other, staff_user, "approved")
    decision_make(photo.captions.get(text="a dog runs"), user, "edited", "Two dogs.")
    seen = Decision.objects.order_by("id").last()
    assert seen
    photo_text_put_back(photo=photo, writer=user, seen=seen.pk)
    assert shown(photo) == ("a wolf", "model", "approved")


def test_put_back_in_ignorance_of_a_newer_text_is_refused(photo: Photo, user: User, staff_user: User) -> None:
    seen = write(photo, user, "Two dogs.")
    write(photo, staff_user, "Three dogs.", seen)
    with pytest.raises(DecisionConflict):
        photo_text_put_back(photo=photo, writer=user, seen=seen)


def test_put_back_of_nothing_records_nothing(photo: Photo, user: User) -> None:
    assert photo_text_put_back(photo=photo, writer=user, seen=None) is None
    assert not Decision.objects.exists()


def test_put_back_twice_records_once(photo: Photo, user: User) -> None:
    seen = write(photo, user, "Two dogs.")
    first, second = (photo_text_put_back(photo=photo, writer=user, seen=seen) for _ in range(2))
    assert first == second


def test_caption_that_was_put_back_can_be_approved_with_others(
    photo: Photo, caption: Caption, user: User, staff_user: User
) -> None:
    photo_text_put_back(photo=photo, writer=user, seen=write(photo, user, "Two dogs."))
    assert captions_approve(captions=[caption], reviewer=staff_user) == 1


def test_photo_without_a_caption_takes_no_text_yet(user: User) -> None:
    photo = photo_make(user)
    with pytest.raises(CaptionMissing, match="once it has one"):
        write(photo, user, "Two dogs.")
    with pytest.raises(CaptionMissing):
        photo_text_put_back(photo=photo, writer=user, seen=None)


@pytest.mark.django_db(transaction=True)
def test_of_two_texts_at_the_same_moment_one_stands_and_the_other_is_told(
    photo: Photo, user: User, staff_user: User
) -> None:
    start, told = threading.Barrier(2), list[str]()

    def change(writer: User, text: str) -> None:
        start.wait()
        try:
            write(photo, writer, text)
        except DecisionConflict:
            told.append(text)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=change, args=(writer, text))
        for writer, text in ((user, "Two dogs."), (staff_user, "Three dogs."))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {shown(photo)[0], *told} == {"Two dogs.", "Three dogs."}
    assert len(told) == 1
