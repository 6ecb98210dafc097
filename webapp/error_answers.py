"""How errors are answered over HTTP."""

from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, JsonResponse

from webapp.errors import SiteError

STATUS: Final = {  # by code; for other codes the pages answer 400, the API 422
    "no_file": HTTPStatus.BAD_REQUEST,
    "too_many_files": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "no_space": HTTPStatus.INSUFFICIENT_STORAGE,
    "busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "database_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}


def error_answer(error: SiteError) -> JsonResponse:
    """An answer for the upload script: the whole request was refused."""
    result = {"status": "error", "code": error.code, "message": error.message}
    return JsonResponse({"results": [result]}, status=STATUS.get(error.code, HTTPStatus.BAD_REQUEST))


def wants_json(request: HttpRequest) -> bool:
    return request.accepts("application/json") and not request.accepts("text/html")
