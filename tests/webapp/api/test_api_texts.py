"""PATCH on a photo: the owner's text over REST."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.webapp.api.test_api_photos import client_of
from tests.webapp.rows import caption_make, decision_make, model_version_make, photo_make
from webapp.accounts.models import User
from webapp.api.models import AuthToken
from webapp.captioning.models import Caption, Decision
from webapp.photos.models import Photo


@pytest.fixture
def caption(user: User) -> Caption:
    return caption_make(user, model_version_make(), text="a dog runs")


@pytest.fixture
def photo(caption: Caption) -> Photo:
    return caption.photo


@pytest.fixture
def api(user: User) -> APIClient:
    return client_of(user)


def patch(api: APIClient, photo: Photo, **values: Any) -> Any:
    return api.patch(f"/api/v1/photos/{photo.pk}/", values, format="json")


def test_patch_writes_the_owners_text(api: APIClient, photo: Photo) -> None:
    body = patch(api, photo, text=" Two\ndogs. 👨‍👩‍👧 ").json()
    assert (body["caption"], body["caption_by"], body["review_state"]) == ("Two dogs. 👨‍👩‍👧", "person", "edited")
    assert body["machine_caption"] == "a dog runs"
    assert body["review"]["id"] == body["seen"] == Decision.objects.get().pk


@pytest.mark.parametrize("text", [None, "", " "])
def test_patch_of_no_text_leaves_the_photo_without_a_caption(api: APIClient, photo: Photo, text: str | None) -> None:
    body = patch(api, photo, text=text).json()
    assert (body["caption"], body["caption_by"]) == (None, "person")


def test_patch_of_the_models_text_approves_it(api: APIClient, photo: Photo) -> None:
    body = patch(api, photo, text="a dog runs").json()
    assert (body["caption_by"], body["review_state"]) == ("model", "approved")


def test_patch_replaces_any_text_without_seen(api: APIClient, photo: Photo, caption: Caption, staff_user: User) -> None:
    decision_make(caption, staff_user, "edited", "Theirs.")
    assert patch(api, photo, text="Mine.").json()["caption"] == "Mine."


@pytest.mark.parametrize("seen", [None, 10**30])
def test_patch_that_has_not_seen_the_newest_decision_is_told_it(
    api: APIClient, photo: Photo, caption: Caption, staff_user: User, seen: int | None
) -> None:
    newest = decision_make(caption, staff_user, "edited", "Theirs.")
    response = patch(api, photo, text="Mine.", seen=seen)
    body = response.json()
    assert (response.status_code, body["error"]["code"]) == (409, "conflict")
    assert "edith" in body["error"]["message"]
    assert (body["decision"]["id"], body["decision"]["text"]) == (newest.pk, "Theirs.")
    assert patch(api, photo, text="Mine.", seen=newest.pk).status_code == 200


def test_detail_gives_what_a_patch_must_have_seen_after_a_text_was_put_back(
    api: APIClient, photo: Photo, caption: Caption, user: User
) -> None:
    withdrawn = decision_make(caption, user, "withdrawn")
    body = api.get(f"/api/v1/photos/{photo.pk}/").json()
    assert (body["review"], body["seen"], body["caption"]) == (None, withdrawn.pk, "a dog runs")
    assert patch(api, photo, text="Mine.", seen=body["seen"]).status_code == 200


def test_patch_names_length_and_limit_of_a_long_text(api: APIClient, photo: Photo) -> None:
    response = patch(api, photo, text="x" * 1001)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "too_long")
    assert "1001 characters; the limit is 1000" in response.json()["error"]["message"]


@pytest.mark.parametrize("values", [{}, {"txt": "Mine."}, {"text": ["Mine."]}, {"text": "Mine.", "seen": "x"}])
def test_patch_refuses_what_is_no_text(api: APIClient, photo: Photo, values: dict[str, Any]) -> None:
    assert patch(api, photo, **values).status_code == 400
    assert not Decision.objects.exists()


def test_patch_of_a_photo_without_a_caption_comes_too_early(api: APIClient, user: User) -> None:
    response = patch(api, photo_make(user), text="Mine.")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "no_caption")


@pytest.mark.parametrize("who", ["other_user", "staff_user"])
def test_patch_of_somebody_elses_photo_is_404(photo: Photo, who: str, request: pytest.FixtureRequest) -> None:
    assert patch(client_of(request.getfixturevalue(who)), photo, text="Mine.").status_code == 404
    assert not Decision.objects.exists()


def test_patch_wants_a_token_that_may_write(user: User, photo: Photo) -> None:
    assert patch(APIClient(), photo, text="Mine.").status_code == 401
    assert patch(client_of(user, scope=AuthToken.Scope.READ), photo, text="Mine.").status_code == 403
