"""The review pages of the admin, as a reviewer without scripts uses them."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.webapp.rows import caption_make, model_version_make
from webapp.accounts.models import User
from webapp.captioning.models import Caption, Decision, ModelVersion
from webapp.captioning.services import decisions as services

LIST = "/admin/review/captionforreview/"


@pytest.fixture
def version(db: None) -> ModelVersion:
    return model_version_make()


@pytest.fixture
def captions(user: User, version: ModelVersion) -> list[Caption]:
    """Three undecided ones, the least confident first."""
    return [caption_make(user, version, text=f"caption {n}", confidence=n / 10) for n in (1, 3, 5)]


@pytest.fixture
def reviewer(db: None) -> User:
    """Staff with the right to review, and no other."""
    user = User.objects.create_user("rita", password="correct horse", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__model="decision"))
    return user


@pytest.fixture
def page(client: Client, reviewer: User) -> Client:
    client.force_login(reviewer)
    return client


def url(caption: Caption, query: str = "") -> str:
    return f"{LIST}{caption.pk}/change/{query}"


def decide(page: Client, caption: Caption, decision: str, *, text: str | None = None, seen: int | str = "") -> Any:
    shown = caption.text if text is None else text
    return page.post(url(caption), {"decision": decision, "text": shown, "seen": seen})


def test_list_shows_least_confident_first_and_the_progress(page: Client, captions: list[Caption], user: User) -> None:
    services.caption_approve(caption=captions[0], reviewer=user, seen=None)
    html = page.get(LIST).content.decode()
    assert re.findall(r">(caption \d)<", html) == ["caption 3", "caption 5", "caption 1"]
    assert "1 of 3 decided" in html


def test_list_starts_at_the_first_undecided(page: Client, captions: list[Caption]) -> None:
    assert f'href="{url(captions[0])}' in page.get(LIST).content.decode()


def test_list_takes_as_many_queries_for_many_captions(
    page: Client, user: User, version: ModelVersion, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(20):
        caption = caption_make(user, version)
        services.caption_edit(caption=caption, reviewer=user, text="Better.", seen=None)
    with django_assert_max_num_queries(12):
        page.get(LIST)


def test_list_filters_keep_to_the_review_pages(page: Client, captions: list[Caption]) -> None:
    html = page.get(f"{LIST}?confidence=40-60").content.decode()
    assert "caption 5" in html
    assert "caption 3" not in html
    assert f"{url(captions[2])}?_changelist_filters=confidence%3D40-60" in html


def test_list_counts_what_each_filter_would_show(page: Client, captions: list[Caption], version: ModelVersion) -> None:
    html = page.get(f"{LIST}?_facets=True&model_version={version.pk}").content.decode()
    assert "Undecided (3)" in html
    assert f"{version} (3)" in html
    assert "40 to 60 % (1)" in html


def test_list_approves_the_selected(page: Client, captions: list[Caption], reviewer: User) -> None:
    services.caption_reject(caption=captions[1], reviewer=reviewer, seen=None)
    chosen = [caption.pk for caption in captions[:2]]
    response = page.post(LIST, {"action": "approve_selected", "_selected_action": chosen}, follow=True)
    assert "1 captions approved" in response.content.decode()
    assert Decision.objects.get(caption=captions[0]).verdict == "approved"
    assert Decision.objects.get(caption=captions[1]).verdict == "rejected"


def test_page_shows_the_objects_and_marks_the_words_that_the_classifier_chose(
    page: Client, captions: list[Caption]
) -> None:
    words = [{"text": "a", "log_probability": -0.5}, {"text": "cat", "log_probability": -3.0, "seen": 0.83}]
    objects = [{"word": "cat", "probability": 0.83}, {"word": "table", "probability": 0.12}]
    Caption.objects.filter(pk=captions[0].pk).update(words=words, seen_objects=objects)
    html = " ".join(page.get(url(captions[0])).content.decode().split())
    assert 'title="83 % sure, says the image classifier">cat' in html
    assert 'title="61 % sure">a<' in html
    assert '<li>cat <span class="review-meta">83 %</span></li>' in html
    assert '<li>table <span class="review-meta">12 %</span></li>' in html
    assert "The image classifier sees" not in page.get(url(captions[1])).content.decode()


def test_page_shows_photo_text_confidence_and_alternatives(page: Client, captions: list[Caption]) -> None:
    html = page.get(url(captions[0])).content.decode()
    assert f"/media/{captions[0].photo_id}/preview/" in html
    for text in ("caption 1", "10 % confident", "a cat sits", "Nobody has decided yet"):
        assert text in html


@pytest.mark.parametrize(
    ("decision", "text", "kept"),
    [
        ("approve", None, ("approved", "caption 1")),
        ("edit", "A dog.", ("edited", "A dog.")),
        ("reject", None, ("rejected", "")),
    ],
    ids=["approve", "edit", "reject"],
)
def test_decision_is_kept_with_who_and_leads_to_the_next(
    page: Client, captions: list[Caption], reviewer: User, decision: str, text: str | None, kept: tuple[str, str]
) -> None:
    response = decide(page, captions[0], decision, text=text)
    assert (response.status_code, response["Location"]) == (302, url(captions[1]))
    review = Decision.objects.get()
    assert ((review.verdict, review.text), review.reviewer) == (kept, reviewer)


def test_decision_on_the_last_leads_back_to_the_list(page: Client, captions: list[Caption], reviewer: User) -> None:
    for caption in captions[1:]:
        services.caption_approve(caption=caption, reviewer=reviewer, seen=None)
    response = page.post(url(captions[0]), {"decision": "approve", "seen": ""}, follow=True)
    assert response.redirect_chain == [(LIST, 302)]
    assert "No other caption waits for review here" in response.content.decode()


def test_decision_keeps_the_filters(page: Client, captions: list[Caption]) -> None:
    query = "?_changelist_filters=confidence%3D0-20"
    response = page.post(url(captions[0], query), {"decision": "approve", "seen": ""})
    assert response["Location"] == f"{LIST}?confidence=0-20"


def test_decision_after_somebody_elses_shows_it_and_changes_nothing(
    page: Client, captions: list[Caption], user: User
) -> None:
    services.caption_reject(caption=captions[0], reviewer=user, seen=None)
    response = decide(page, captions[0], "approve")
    html = response.content.decode()
    assert response.status_code == 409
    assert "ada rejected this caption" in html
    assert f'name="seen" value="{Decision.objects.get().pk}"' in html


def test_decision_may_be_changed_and_the_history_shows_both(page: Client, captions: list[Caption]) -> None:
    decide(page, captions[0], "approve")
    decide(page, captions[0], "edit", text="A better one.", seen=Decision.objects.get().pk)
    html = page.get(url(captions[0])).content.decode()
    assert html.index("badge-edited") < html.index("badge-approved")
    assert "<q>A better one.</q>" in html
    assert html.count("by rita") == 2


def test_edit_without_a_change_is_refused_and_keeps_the_page(page: Client, captions: list[Caption]) -> None:
    response = decide(page, captions[0], "edit")
    assert response.status_code == 409
    assert "Approve it instead" in response.content.decode()


def test_approve_of_a_changed_text_is_refused_and_keeps_what_was_typed(page: Client, captions: list[Caption]) -> None:
    response = decide(page, captions[0], "approve", text="half typed")
    assert response.status_code == 409
    assert "half typed" in response.content.decode()
    assert not Decision.objects.exists()


def test_unknown_decision_is_refused(page: Client, captions: list[Caption]) -> None:
    assert decide(page, captions[0], "burn").status_code == 409


def test_typed_markup_is_shown_as_text(page: Client, captions: list[Caption]) -> None:
    decide(page, captions[0], "edit", text="<script>alert(1)</script>")
    assert "<script>alert" not in page.get(url(captions[0])).content.decode()


def test_page_of_no_caption_is_404(page: Client) -> None:
    assert page.get(f"{LIST}999/change/").status_code == 404


def test_staff_without_the_right_see_no_captions(client: Client, captions: list[Caption]) -> None:
    client.force_login(User.objects.create_user("stan", is_staff=True))
    assert client.get(LIST).status_code == 403
    assert client.get(url(captions[0])).status_code == 403


def test_staff_who_may_only_look_cannot_decide(client: Client, captions: list[Caption]) -> None:
    viewer = User.objects.create_user("vera", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename="view_decision"))
    client.force_login(viewer)
    assert "review-approve" not in client.get(url(captions[0])).content.decode()
    assert decide(client, captions[0], "approve").status_code == 403
    assert not Decision.objects.exists()


def test_owners_do_not_reach_the_admin(client: Client, user: User, captions: list[Caption]) -> None:
    client.force_login(user)
    assert client.get(url(captions[0])).status_code == 302


@pytest.mark.parametrize("action", ["delete", "change"])
def test_reviews_are_neither_deleted_nor_changed(
    client: Client, staff_user: User, version: ModelVersion, action: str
) -> None:
    decision = services.caption_approve(caption=caption_make(staff_user, version), reviewer=staff_user, seen=None)
    client.force_login(staff_user)
    assert client.post(f"/admin/captioning/decision/{decision.pk}/{action}/", {"post": "yes"}).status_code == 403
    assert Decision.objects.filter(pk=decision.pk).exists()


def test_no_right_to_change_or_delete_reviews_exists(db: None) -> None:
    rights = Permission.objects.filter(content_type__model="decision")
    assert set(rights.values_list("codename", flat=True)) == {"add_decision", "view_decision"}


def test_history_lists_the_decisions(page: Client, captions: list[Caption], reviewer: User) -> None:
    services.caption_edit(caption=captions[0], reviewer=reviewer, text="Better.", seen=None)
    html = page.get("/admin/captioning/decision/").content.decode()
    assert "Better." in html
    assert "caption 1" in html


def test_history_is_filtered_by_who_decided(page: Client, captions: list[Caption], reviewer: User, user: User) -> None:
    for caption, who in zip(captions, (reviewer, user), strict=False):
        services.caption_approve(caption=caption, reviewer=who, seen=None)
    url_of_history = "/admin/captioning/decision/"
    assert f"?reviewer={user.pk}" in page.get(url_of_history).content.decode()
    listed = page.get(url_of_history, {"reviewer": user.pk}).context["cl"].result_list
    assert [decision.reviewer for decision in listed] == [user]
    assert len(page.get(url_of_history, {"reviewer": "nobody"}).context["cl"].result_list) == 2


@pytest.mark.parametrize("digits", [30, 5000])
def test_numbers_too_long_for_a_row_are_not_an_error(page: Client, captions: list[Caption], digits: int) -> None:
    assert page.get(LIST, {"model_version": "9" * digits}).status_code == 200
    assert decide(page, captions[0], "approve", seen="9" * digits).status_code == 302


def test_review_tells_that_the_owner_wants_no_caption(page: Client, captions: list[Caption], user: User) -> None:
    services.photo_text_write(photo=captions[0].photo, writer=user, text="", seen=None)
    assert re.search(r"No caption\s+<del>caption 1</del>", page.get(LIST).content.decode())
    assert re.search(r"badge-edited.*by ada.*No caption", page.get(url(captions[0])).content.decode())


def test_review_queues_a_caption_whose_edit_the_owner_put_back(
    page: Client, captions: list[Caption], user: User
) -> None:
    edit = services.photo_text_write(photo=captions[0].photo, writer=user, text="Mine.", seen=None)
    services.photo_text_put_back(photo=captions[0].photo, writer=user, seen=edit.pk)
    assert f'href="{url(captions[0])}' in page.get(LIST).content.decode()
    assert re.search(r"badge-withdrawn.*Put back.*by ada", page.get(url(captions[0])).content.decode())
    assert decide(page, captions[0], "approve", seen=Decision.objects.latest("id").pk).status_code == 302
