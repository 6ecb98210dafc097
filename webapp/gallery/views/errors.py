from http import HTTPStatus

from django.core.exceptions import TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import defaults

from webapp.gallery.uploads import too_many_to_count
from webapp.gallery.views.photos import error_answer, wants_json


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What Django refuses before any view runs."""
    if not isinstance(exception, TooManyFilesSent):
        return defaults.bad_request(request, exception)
    error = too_many_to_count()
    if wants_json(request):
        return error_answer(error)
    return render(request, "400.html", {"problem": error.message}, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
