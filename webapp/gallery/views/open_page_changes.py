"""The request by which an open page asks for changes, every second while something on it waits."""

from dataclasses import replace

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from webapp.accounts.models import User
from webapp.batches.models import Batch
from webapp.batches.selectors import batches_counted, batches_of
from webapp.batches.views import batch_context, grid_context
from webapp.captioning.job_states import WAITING
from webapp.captioning.notices import captioning_notice
from webapp.captioning.selectors import photos as selectors
from webapp.finding.photo_filter import STANDINGS, PhotoFilter, photo_filter_of
from webapp.gallery.views.photos import TABS, filter_kept, photo_context, tabs_context
from webapp.photos.models import Photo
from webapp.row_ids import row_id

SEEN_LIMIT = 500


@require_safe
def state(request: HttpRequest) -> HttpResponse:
    """The page sends what it shows: "id:state" pairs (`seen` for cards, `seen_photo`, `seen_batch`, `seen_grid`),
    `seen_tabs`, `notice` and `found`, the query of the gallery's filter. The answer holds the changed parts as HTML
    that htmx puts in place. 204 if nothing changed."""
    user = request.user
    if not isinstance(user, User):
        return HttpResponse(
            status=204, headers={"HX-Refresh": "true"}
        )  # logged out elsewhere: the reload leads to the login page
    found = photo_filter_of(QueryDict(request.GET.get("found", "")))
    cards, pages = _seen(request, "seen"), _seen(request, "seen_photo")
    listed = selectors.photos_listed()
    photos = selectors.photos_by_id(listed, cards, user=user)
    detailed = selectors.photos_by_id(selectors.photos_detailed(listed), pages, user=user)
    changed = _changed(photos, cards)
    panels = [photo_context(photo) for photo in _changed(detailed, pages)]
    context = {
        "cards": changed,
        "gone": [key for key in cards if key not in photos],
        "panels": panels,
        "batches": _batches(user, _seen(request, "seen_batch")),
        "grid": _grid(user, _seen(request, "seen_grid")),
        "tabs": _tabs(user, found, request.GET.get("seen_tabs", "")),
        "announced": [photo for photo in [*changed, *_changed(detailed, pages)] if photo.job.state not in WAITING],
    }
    notice = captioning_notice()
    notice_changed = notice != request.GET.get("notice", "")
    if not (notice_changed or any(context.values())):
        return HttpResponse(status=204)
    context |= {"notice": notice, "notice_changed": notice_changed, "found": found, "kept": filter_kept(found.show)}
    return render(request, "gallery/_state.html", context)


def _changed(photos: dict[int, Photo], seen: dict[int, str]) -> list[Photo]:
    return [photos[key] for key, state in seen.items() if key in photos and photos[key].job.state != state]


def _batches(user: User, seen: dict[int, str]) -> list[dict[str, object]]:
    if not seen:
        return []
    counted = batches_counted(batches_of(user).filter(pk__in=seen))
    contexts = [batch_context(batch) for batch in counted]
    return [context for context in contexts if context["seen_batch"] not in {f"{key}:{seen[key]}" for key in seen}]


def _grid(user: User, seen: dict[int, str]) -> dict[str, object] | None:
    """The first photos of a batch, while more are taken in."""
    for batch in Batch.objects.filter(owner=user, pk__in=seen):
        grid = grid_context(batch)
        if grid["seen_grid"] != f"{batch.pk}:{seen[batch.pk]}":
            return grid
    return None


def _tabs(user: User, found: PhotoFilter, seen: str) -> dict[str, object] | None:
    """Of the gallery alone, and where nothing but a group of states filters: only there the tabs tell counts."""
    chosen = seen.partition(":")[0]
    if chosen not in TABS or found.narrowed:
        return None
    states = tuple(STANDINGS.get(chosen, ()))
    tabs = tabs_context(replace(found, states=states), selectors.photos_counts(user))
    return None if tabs["seen_tabs"] == seen else tabs


def _seen(request: HttpRequest, name: str) -> dict[int, str]:
    seen = {}
    for value in request.GET.getlist(name)[:SEEN_LIMIT]:
        key, _, state = value.partition(":")
        if (number := row_id(key)) is not None:
            seen[number] = state
    return seen
