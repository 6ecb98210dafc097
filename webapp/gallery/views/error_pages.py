import sys
from http import HTTPStatus

from django.core.exceptions import TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views import defaults

from webapp.data_folder.outages import outage
from webapp.error_answers import STATUS, error_answer, wants_json
from webapp.photos.upload_parser import too_many_to_count


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answers requests that Django refuses before any view runs."""
    if not isinstance(exception, TooManyFilesSent):
        return defaults.bad_request(request, exception)
    error = too_many_to_count()
    if wants_json(request):
        return error_answer(error)
    return render(request, "400.html", {"problem": error.message}, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answers errors of any view or middleware. For a full disk or an unreachable database it names the remedy."""
    error = outage(sys.exc_info()[1])
    if error is None:
        return defaults.server_error(request)
    if wants_json(request):
        return error_answer(error)
    page = render_to_string(
        "500.html", {"problem": error.message}
    )  # without the request: its user would need the database
    return HttpResponse(page, status=STATUS[error.code])
