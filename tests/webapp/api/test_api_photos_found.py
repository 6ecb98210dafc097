"""The API's list of photos takes the gallery's filters."""

import pytest
from rest_framework.test import APIClient

from tests.webapp.rows import caption_make, model_version_make, photo_make
from webapp.accounts.models import User
from webapp.api.models import AuthToken

PHOTOS = "/api/v1/photos/"


@pytest.fixture
def api(user: User) -> APIClient:
    _, secret = AuthToken.objects.create(user=user, scope=AuthToken.Scope.READ)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    return client


@pytest.fixture
def dogs(user: User, other_user: User) -> list[int]:
    """The ids of two photos of dogs. There are a cat, a failed photo and somebody else's dog as well."""
    version = model_version_make()
    ids = [caption_make(user, version, text="a dog runs", confidence=share).photo_id for share in (0.1, 0.9)]
    caption_make(user, version, text="a cat sits")
    photo_make(user, state="failed")
    caption_make(other_user, version, text="a dog of theirs")
    return ids


def test_list_finds_by_words_and_counts(api: APIClient, dogs: list[int]) -> None:
    answer = api.get(PHOTOS, {"q": "dog"}).json()
    assert (answer["count"], [photo["id"] for photo in answer["results"]]) == (2, dogs[::-1])


def test_list_takes_filters_and_order_together(api: APIClient, dogs: list[int]) -> None:
    query = "?q=dog&state=done&state=queued&review=undecided&by=model&sort=unsure"
    assert [photo["id"] for photo in api.get(PHOTOS + query).json()["results"]] == dogs
    assert [photo["id"] for photo in api.get(f"{PHOTOS}{query}&sure=sure").json()["results"]] == dogs[1:]


def test_list_leads_to_the_next_page_of_what_is_found(api: APIClient, dogs: list[int]) -> None:
    first = api.get(PHOTOS, {"q": "dog", "page_size": "1"}).json()
    second = api.get(first["next"]).json()
    assert [answer["results"][0]["id"] for answer in (first, second)] == dogs[::-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [("state", "asleep"), ("by", "x"), ("sure", "very"), ("model", "m"), ("since", "never"), ("sort", "up")],
)
def test_list_refuses_a_value_that_is_none(api: APIClient, name: str, value: str) -> None:
    answer = api.get(PHOTOS, {name: value})
    assert answer.status_code == 400
    assert f"“{value}”" in str(answer.json()["error"]["fields"][name])
