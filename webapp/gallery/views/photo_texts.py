"""The owner's text of a photo: one form, which saves it, chooses no caption, or puts back what the model wrote."""

from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from webapp.accounts.models import User
from webapp.accounts.request_user import user_of
from webapp.captioning.errors import DecisionConflict, DecisionError, TextRejected
from webapp.captioning.models import Decision
from webapp.captioning.selectors import photos as selectors
from webapp.captioning.services.decisions import photo_text_put_back, photo_text_write
from webapp.gallery.views.photos import filter_chosen, filter_kept, photo_page_context
from webapp.photos.models import Photo
from webapp.row_ids import row_id


@login_required
@require_POST
def photo_text(request: HttpRequest, photo_id: int) -> HttpResponse:
    """`action` is `save` (with `text`), `none` or `put_back`; `seen` is the newest decision that the page showed.

    The script gets the panel, without a script the page comes again. A refused text stays in its field.
    """
    owner = user_of(request)
    photo = get_object_or_404(Photo, pk=photo_id, owner=owner)
    try:
        _act(request, photo, owner)
    except DecisionError as refused:
        return _refuse(request, photo, refused)
    if _in_place(request):
        return _render(request, photo)
    response = redirect("photo", photo_id)
    response["Location"] += filter_kept(filter_chosen(request))
    return response


def _act(request: HttpRequest, photo: Photo, owner: User) -> None:
    known: dict[str, Any] = {"photo": photo, "writer": owner, "seen": row_id(request.POST.get("seen", ""))}
    match request.POST.get("action"), request.POST.get("text"):
        case "put_back", _:
            photo_text_put_back(**known)
        case "none", _:
            photo_text_write(**known, text="")
        case "save", str(text):
            photo_text_write(**known, text=text)
        case action, _:
            raise BadRequest(f"“{action}” is none of: save with a text, none, put_back.")


def _refuse(request: HttpRequest, photo: Photo, refused: DecisionError) -> HttpResponse:
    saved = request.POST.get("action") == "save"
    problem = _conflict(refused.newest, request) if isinstance(refused, DecisionConflict) else str(refused)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(refused, TextRejected) else HTTPStatus.CONFLICT
    more: dict[str, object] = {"problem": problem, "editing": saved}
    if saved:
        more["typed"] = request.POST["text"]
    return _render(request, photo, status=status, **more)


def _conflict(newest: Decision, request: HttpRequest) -> str:
    who = "you" if newest.reviewer_id == user_of(request).pk else newest.reviewer.username
    then = (
        "Your text is still in the field. Save again to put it in its place."
        if request.POST.get("action") == "save"
        else "Nothing was changed. Look at it, then choose again."
    )
    match newest.verdict, newest.text:
        case Decision.Verdict.EDITED, "":
            what = "chose “no caption”."
        case Decision.Verdict.EDITED, text:
            what = format_html("wrote: <q>{}</q>", text)
        case _:
            what = f"{newest.get_verdict_display().lower()} the model’s text."
    return format_html("After you opened this page, {} {} {}", who, what, then)


def _in_place(request: HttpRequest) -> bool:
    return bool(request.headers.get("HX-Request"))


def _render(request: HttpRequest, photo: Photo, *, status: int = HTTPStatus.OK, **more: object) -> HttpResponse:
    shown = selectors.photos_detailed(selectors.photos_of(user_of(request))).get(pk=photo.pk)
    template = "gallery/_panel.html" if _in_place(request) else "gallery/photo.html"
    return render(request, template, photo_page_context(request, shown) | more, status=status)
