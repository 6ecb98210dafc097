import pytest
from rest_framework.test import APIClient

from tests.webapp.api.test_api_photos import client_of
from tests.webapp.exchange.exporting import downloaded, exported, photo_add, unzipped
from webapp.accounts.models import User
from webapp.api.models import AuthToken
from webapp.batches.models import Batch

EXPORT = "/api/v1/export/"


@pytest.fixture
def api(user: User) -> APIClient:
    return client_of(user)


@pytest.mark.parametrize("form", ["csv", "jsonl", "coco", "txt", "xmp"])
def test_export_is_the_callers_captions(api: APIClient, user: User, other_user: User, form: str) -> None:
    photo_add(user, 1, text="a dog")
    photo_add(other_user, 2, text="a secret")
    assert downloaded(api.get(EXPORT, {"format": form})) == exported(user, form)


def test_export_may_be_narrowed(api: APIClient, user: User) -> None:
    for number, verdict in enumerate(["approved", "", "rejected"], start=1):
        photo_add(user, number, text=f"dog {number}", verdict=verdict)
    asked = {"format": "txt", "ids": "1,3", "all": "true", "q": "dog", "reviewed": "false"}
    assert list(unzipped(downloaded(api.get(EXPORT, asked)))) == ["photo-1.txt", "photo-3.txt", "captions.csv"]


def test_token_that_may_only_read_may_export(user: User) -> None:
    assert client_of(user, scope=AuthToken.Scope.READ).get(EXPORT, {"format": "csv"}).status_code == 200


def test_program_that_accepts_csv_alone_gets_it(api: APIClient) -> None:
    response = api.get(EXPORT, {"format": "csv"}, headers={"Accept": "text/csv"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize(("asked", "field"), [({}, "format"), ({"format": "json"}, "format"), ({"ids": "x"}, "ids")])
def test_wrong_question_is_named(api: APIClient, asked: dict[str, str], field: str) -> None:
    response = api.get(EXPORT, {"format": "csv"} | asked if field == "ids" else asked)
    assert response.status_code == 400
    assert list(response.json()["error"]["fields"]) == [field]


def test_batch_of_another_person_is_not_found(api: APIClient, other_user: User) -> None:
    batch = Batch.objects.create(owner=other_user, name="b", source=Batch.Source.ZIP)
    response = api.get(EXPORT, {"format": "csv", "batch": str(batch.pk)})
    assert response.status_code == 404
    assert response.json()["error"]["message"].startswith(f"You have no batch {batch.pk}.")


def test_export_asks_for_a_token(db: None) -> None:
    assert APIClient().get(EXPORT, {"format": "csv"}).status_code == 401


def test_export_has_no_head(api: APIClient) -> None:
    assert api.head(EXPORT, {"format": "csv"}).status_code == 405
