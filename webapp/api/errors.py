"""Every error of the API is JSON of one shape: {"error": {"code", "message", "fields"?}}."""

import logging
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation, TooManyFilesSent
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from webapp import error_answers
from webapp.data_folder.outages import outage
from webapp.errors import ActionRefused, SiteError
from webapp.photos.upload_parser import too_many_to_count

log = logging.getLogger(__name__)

STATUS: Final = error_answers.STATUS | {"too_many_bytes": HTTPStatus.REQUEST_ENTITY_TOO_LARGE}  # any other is 422
RETRY_SECONDS: Final = 5


class LoginFailed(exceptions.APIException):
    status_code = HTTPStatus.UNAUTHORIZED
    default_detail = "No account has this name and password."
    default_code = "wrong_credentials"


class LockedOut(exceptions.APIException):
    status_code = HTTPStatus.TOO_MANY_REQUESTS
    default_detail = "Too many wrong passwords. This account is locked for some minutes. Try again later."
    default_code = "locked_out"


def error_status(error: SiteError) -> HTTPStatus:
    if isinstance(error, ActionRefused):
        return HTTPStatus.CONFLICT
    return STATUS.get(error.code, HTTPStatus.UNPROCESSABLE_ENTITY)


def error_body(code: str, message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **more}}


def error_response(error: Exception, context: dict[str, Any]) -> Response:
    """Django REST framework's exception handler."""
    set_rollback()
    match error:
        case SiteError():
            return Response(error_body(error.code, error.message), status=error_status(error))
        case Http404():
            error = exceptions.NotFound()
        case PermissionDenied():
            error = exceptions.PermissionDenied()
        case TooManyFilesSent():
            return error_response(too_many_to_count(), context)
        case RequestDataTooBig():
            limit = f"{settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,}"
            message = f"The request has more than {limit} bytes of form data besides its files. Send less at a time."
            return Response(error_body("too_large", message), status=413)
        case SuspiciousOperation():
            return Response(error_body("bad_request", str(error)), status=400)
    if problem := outage(error):
        log.error("The machine failed an API request", exc_info=error)
        body = error_body(problem.code, problem.message)
        return Response(body, status=error_status(problem), headers={"Retry-After": str(RETRY_SECONDS)})
    if not isinstance(error, exceptions.APIException):
        log.error("An API request failed", exc_info=error)
        return Response(error_body("internal_error", "The server failed. Its log names the cause."), status=500)
    return _api_response(error)


def _api_response(error: exceptions.APIException) -> Response:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    if isinstance(error, exceptions.ValidationError):
        fields = error.detail if isinstance(error.detail, dict) else {"": error.detail}
        message = "; ".join(
            f"{name}: {_first(problem)}" if name else _first(problem) for name, problem in fields.items()
        )
        body = error_body("invalid", message, fields=fields)
    else:
        code = str(getattr(error.detail, "code", error.default_code))
        body = error_body(code, str(error.detail))
    return Response(body, status=error.status_code, headers=headers)


def _first(problem: Any) -> str:
    while isinstance(problem, (list, dict)) and problem:
        problem = next(iter(problem.values() if isinstance(problem, dict) else problem))
    return str(problem)
