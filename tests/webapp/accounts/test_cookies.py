"""Two sites on one host: a browser keeps cookies by host, whatever the port."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from tests.processes import WebProcess
from webapp.accounts.models import User

pytestmark = pytest.mark.slow


@pytest.fixture(params=["the secret of one", "the secret of two"], ids=["copy", "another"])
def sites(request: pytest.FixtureRequest, tmp_path: Path, transactional_db: None) -> Iterator[list[str]]:
    """The addresses of two: the second is a copy of the first, or has a secret of its own."""
    with ExitStack() as stack:
        processes = [
            stack.enter_context(WebProcess(tmp_path / f"{number}.log", FOVEA_SECRET_KEY=secret * 4))
            for number, secret in enumerate(("the secret of one", request.param))
        ]
        yield [process.ready().url for process in processes]


def test_login_at_one_site_does_not_end_that_at_another(sites: list[str]) -> None:
    User.objects.create(username="ada", password=PBKDF2PasswordHasher().encode("correct horse", "salt"))
    with httpx.Client(trust_env=False) as client:
        for url in sites:
            page = client.get(f"{url}/accounts/login/").raise_for_status().text
            token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
            data = {"username": "ada", "password": "correct horse", "csrfmiddlewaretoken": token}
            assert client.post(f"{url}/accounts/login/", data=data).status_code == 302
        assert [client.get(f"{url}/").status_code for url in sites] == [200, 200]
