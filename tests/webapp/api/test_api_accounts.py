from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework.throttling import ScopedRateThrottle

from webapp.accounts.models import User
from webapp.api.models import AuthToken

PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def fresh_throttle() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def login(**values: str) -> tuple[int, dict[str, str]]:
    response = APIClient().post(
        "/api/v1/auth/login/", {"username": "ada", "password": PASSWORD, **values}, format="json"
    )
    return response.status_code, response.json()


def client_with(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def test_login_gives_a_token_that_works(user: User) -> None:
    status, body = login()
    assert status == 200
    assert client_with(body["token"]).get("/api/v1/photos/").status_code == 200


def test_login_keeps_name_and_scope(user: User) -> None:
    _, body = login(name="laptop", scope="read")
    assert (body["name"], body["scope"]) == ("laptop", "read")
    token = AuthToken.objects.get()
    assert (token.name, token.scope, str(token)) == ("laptop", "read", "laptop")


def test_login_stores_no_token_in_the_clear(user: User) -> None:
    _, body = login()
    assert body["token"] not in AuthToken.objects.values_list("digest", flat=True)


def test_login_with_a_wrong_password_is_401(user: User) -> None:
    status, body = login(password="wrong")
    assert status == 401
    assert body["error"]["code"] == "wrong_credentials"  # type: ignore[index]


def test_login_without_a_password_names_the_field(user: User) -> None:
    response = APIClient().post("/api/v1/auth/login/", {"username": "ada"}, format="json")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid"
    assert "password" in response.json()["error"]["fields"]
    assert "password" in response.json()["error"]["message"]


def test_login_is_locked_after_five_wrong_passwords(user: User) -> None:
    for _ in range(5):
        login(password="wrong")
    status, body = login()
    assert status == 429
    assert body["error"]["code"] == "locked_out"  # type: ignore[index]


def test_login_forgets_wrong_passwords_after_a_right_one(user: User) -> None:
    for _ in range(3):
        login(password="wrong")
        login(password="wrong")
        assert login()[0] == 200


def test_login_is_throttled(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", {"login": "2/min"})
    for number in range(2):
        login(username=f"nobody-{number}")
    response = APIClient().post("/api/v1/auth/login/", {"username": "ada", "password": PASSWORD}, format="json")
    assert response.status_code == 429
    assert response.json()["error"]["code"] == "throttled"
    assert int(response["Retry-After"]) > 0


def test_login_throttle_is_not_passed_by_made_up_addresses(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", {"login": "2/min"})
    body = {"username": "nobody", "password": PASSWORD}
    answers = [
        APIClient().post("/api/v1/auth/login/", body, format="json", HTTP_X_FORWARDED_FOR=f"10.0.0.{number}")
        for number in range(3)
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 429]


def test_login_of_an_inactive_account_is_401(user: User) -> None:
    user.is_active = False
    user.save()
    assert login()[0] == 401


def test_logout_ends_the_token(user: User) -> None:
    client = client_with(login()[1]["token"])
    assert client.post("/api/v1/auth/logout/").status_code == 204
    assert client.get("/api/v1/photos/").status_code == 401


def test_logout_is_open_to_a_read_token(user: User) -> None:
    client = client_with(login(scope="read")[1]["token"])
    assert client.post("/api/v1/auth/logout/").status_code == 204


def test_request_without_a_token_is_401_and_says_which_kind(db: None) -> None:
    response = APIClient().get("/api/v1/photos/")
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Token"
    assert response.json()["error"]["code"] == "not_authenticated"


@pytest.mark.parametrize("token", ["f" * 64, "", "a b", "ä" * 64], ids=["unknown", "empty", "two words", "not ASCII"])
def test_request_with_a_bad_token_is_401(db: None, token: str) -> None:
    assert client_with(token).get("/api/v1/photos/").status_code == 401


def test_request_with_an_expired_token_is_401(user: User) -> None:
    body = login()[1]
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert client_with(body["token"]).get("/api/v1/photos/").status_code == 401


def test_session_alone_does_not_open_the_api(user: User) -> None:
    client = APIClient()
    client.force_login(user)
    assert client.get("/api/v1/photos/").status_code == 401
