import pytest
from django.test import Client

from webapp.accounts.models import User

NEW = {"username": "emmy", "password1": "correct horse battery", "password2": "correct horse battery"}

pytestmark = pytest.mark.django_db


def test_signup_makes_an_account_and_logs_it_in(client: Client) -> None:
    response = client.post("/accounts/signup/", NEW)
    assert response.headers["Location"] == "/"
    assert client.get("/").context["user"].username == "emmy"


def test_signup_names_what_is_wrong_beside_its_field(client: Client) -> None:
    response = client.post("/accounts/signup/", NEW | {"password1": "12345", "password2": "12345"})
    assert response.status_code == 422
    assert "too short" in response.content.decode()
    assert not User.objects.exists()


def test_signup_refuses_a_taken_name(client: Client, user: User) -> None:
    response = client.post("/accounts/signup/", NEW | {"username": user.username})
    assert "already exists" in response.content.decode()


def test_signup_that_is_closed_makes_no_account(client: Client, settings) -> None:
    settings.SIGNUP_OPEN = False
    response = client.post("/accounts/signup/", NEW)
    assert response.status_code == 403
    assert "Sign-up is closed" in response.content.decode()
    assert not User.objects.exists()


def test_signup_that_is_closed_is_not_offered(client: Client, settings) -> None:
    settings.SIGNUP_OPEN = False
    assert "Create an account" not in client.get("/accounts/login/").content.decode()


def test_signup_sends_a_member_to_the_gallery(client: Client, user: User) -> None:
    client.force_login(user)
    assert client.get("/accounts/signup/").headers["Location"] == "/"


def test_login_leads_to_the_page_that_was_asked_for(client: Client, user: User) -> None:
    assert client.get("/batches/").headers["Location"] == "/accounts/login/?next=/batches/"
    credentials = {"username": user.username, "password": "correct horse", "next": "/batches/"}
    assert client.post("/accounts/login/", credentials).headers["Location"] == "/batches/"


def test_login_does_not_lead_to_another_site(client: Client, user: User) -> None:
    credentials = {"username": user.username, "password": "correct horse", "next": "https://evil.example/"}
    assert client.post("/accounts/login/", credentials).headers["Location"] == "/"


def test_login_with_a_wrong_password_says_so(client: Client, user: User) -> None:
    response = client.post("/accounts/login/", {"username": user.username, "password": "wrong"})
    assert "Please enter a correct username and password" in response.content.decode()


def test_login_locks_after_repeated_wrong_passwords(client: Client, user: User) -> None:
    for _ in range(5):
        response = client.post("/accounts/login/", {"username": user.username, "password": "wrong"})
    assert response.status_code == 429
    assert "locked for 15 minutes" in response.content.decode()
    right = client.post("/accounts/login/", {"username": user.username, "password": "correct horse"})
    assert right.status_code == 429


def test_login_lock_of_one_account_spares_the_others(client: Client, user: User, other_user: User) -> None:
    for _ in range(5):
        client.post("/accounts/login/", {"username": user.username, "password": "wrong"})
    response = client.post("/accounts/login/", {"username": other_user.username, "password": "correct horse"})
    assert response.headers["Location"] == "/"


def test_logout_ends_the_session(client: Client, user: User) -> None:
    client.force_login(user)
    client.post("/accounts/logout/")
    assert client.get("/").status_code == 302


def test_logout_by_a_link_from_elsewhere_is_refused(client: Client, user: User) -> None:
    client.force_login(user)
    assert client.get("/accounts/logout/").status_code == 405


@pytest.mark.parametrize("path", ["/", "/accounts/login/"])
def test_page_allows_no_inline_script_or_style(client: Client, user: User, path: str) -> None:
    if path == "/":
        client.force_login(user)
    response = client.get(path)
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    page = response.content.decode()
    assert "<style" not in page
    assert " style=" not in page
    assert "onclick=" not in page
    assert "&quot;allowEval&quot;: false" in page or '"allowEval": false' in page
