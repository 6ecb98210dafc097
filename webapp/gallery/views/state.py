"""The one request with which an open page asks every second for what has changed, while something on it waits."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp.accounts.models import User
from webapp.gallery.notices import captioning_notice
from webapp.gallery.selectors import photos as selectors
from webapp.gallery.views.photos import photo_context

SEEN_LIMIT = 500


@require_safe
def state(request: HttpRequest) -> HttpResponse:
    """`seen` (gallery cards) and `seen_photo` (the photo page) hold "id:state" as the page shows it. The answer holds only what differs,
    as fragments that htmx puts in place; 204 where nothing does."""
    if not isinstance(request.user, User):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})  # logged out elsewhere: to the login page
    cards = _seen(request, "seen")
    page = _seen(request, "seen_photo")
    photos = selectors.photos_visible_to(request.user).in_bulk([*cards, *page]) if cards or page else {}
    changed = [photos[key] for key, state in cards.items() if key in photos and photos[key].job.state != state]
    context: dict[str, object] = {
        "changed": changed,
        "gone": [key for key in cards if key not in photos],
        "announced": [photo for photo in changed if photo.job.state not in selectors.WAITING],
    }
    for key, state in page.items():
        if key in photos and photos[key].job.state != state:
            context |= photo_context(photos[key]) | {"announced": [photos[key]]}
    notice = captioning_notice()
    context |= {"notice": notice, "notice_changed": notice != request.GET.get("notice", "")}
    if not (changed or context["gone"] or "photo" in context or context["notice_changed"]):
        return HttpResponse(status=204)
    return render(request, "gallery/_state.html", context)


def _seen(request: HttpRequest, name: str) -> dict[int, str]:
    seen = {}
    for value in request.GET.getlist(name)[:SEEN_LIMIT]:
        key, _, state = value.partition(":")
        if key.isdecimal() and len(key) < 19:
            seen[int(key)] = state
    return seen
