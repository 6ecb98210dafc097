"""Every error of the API is JSON of one shape."""

import errno
import logging

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework.test import APIClient

from tests.webapp.api.test_api_photos import client_of
from webapp.accounts.models import User
from webapp.api.errors import error_response
from webapp.errors import ActionRefused, SiteError
from webapp.photos.errors import PhotoRejected


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "patch"])
def test_unknown_path_is_json_404(method: str) -> None:
    response = getattr(APIClient(), method)("/api/v1/nowhere/")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"
    assert "/api/v1/nowhere/" in response.json()["error"]["message"]


def test_path_without_its_slash_says_so() -> None:
    response = APIClient().post("/api/v1/photos", {})
    assert response.status_code == 404
    assert "slash" in response.json()["error"]["message"]


def test_wrong_method_is_json_405(user: User) -> None:
    response = client_of(user).put("/api/v1/photos/")
    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_allowed"


def test_malformed_json_is_400(db: None) -> None:
    response = APIClient().post("/api/v1/auth/login/", "{", content_type="application/json")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "parse_error"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (PhotoRejected("truncated", "m"), 422, "truncated"),
        (PhotoRejected("no_file", "m"), 400, "no_file"),
        (PhotoRejected("too_many_bytes", "m"), 413, "too_many_bytes"),
        (ActionRefused("wrong_state", "m"), 409, "wrong_state"),
        (SiteError("no_space", "m"), 507, "no_space"),
        (SiteError("busy", "m"), 503, "busy"),
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "permission_denied"),
        (RequestDataTooBig("m"), 413, "too_large"),
        (SuspiciousOperation("m"), 400, "bad_request"),
        (OperationalError("database is locked"), 503, "database_unavailable"),
        (InterfaceError("connection already closed"), 503, "database_unavailable"),
        (OperationalError("database or disk is full"), 507, "no_space"),
        (OSError(errno.ENOSPC, "No space left on device"), 507, "no_space"),
        (RuntimeError("m"), 500, "internal_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
@pytest.mark.django_db
def test_error_becomes_status_and_code(error: Exception, status: int, code: str) -> None:
    response = error_response(error, {})
    assert response.status_code == status
    assert response.data["error"]["code"] == code
    assert response.data["error"]["message"]


@pytest.mark.django_db
def test_unexpected_error_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        response = error_response(RuntimeError("the secret detail"), {})
    assert "the secret detail" in caplog.text
    assert "secret" not in str(response.data)


@pytest.mark.django_db
def test_unavailable_database_says_when_to_try_again() -> None:
    assert int(error_response(OperationalError("database is locked"), {})["Retry-After"]) > 0
