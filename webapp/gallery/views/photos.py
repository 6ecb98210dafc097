from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.views.decorators.http import require_POST, require_safe

from webapp.accounts.request_user import user_of
from webapp.captioning.job_states import WAITING
from webapp.captioning.notices import captioning_notice
from webapp.captioning.seen_objects import objects_certain, objects_unsaid
from webapp.captioning.selectors import photos as selectors
from webapp.captioning.services import photo_intake as services
from webapp.captioning.services.caption_jobs import RETRYABLE
from webapp.captioning.services.caption_jobs import photo_retry as job_retry
from webapp.error_answers import STATUS, error_answer, wants_json
from webapp.errors import SiteError
from webapp.gallery.word_heat_maps import attention_view
from webapp.paging import PHOTOS_ON_PAGE, CountedPaginator
from webapp.photos.models import Photo, ReviewState

FILTERS: Final = {
    "all": ("All", frozenset[str]()),
    **{standing.value: (standing.label, frozenset(states)) for standing, states in selectors.STATES.items()},
}


@login_required
@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    chosen = filter_chosen(request)
    counts = selectors.photos_counts(user)
    photos = selectors.photos_of(user, states=FILTERS[chosen][1])
    paginator = CountedPaginator(photos, PHOTOS_ON_PAGE, count=counts[chosen])
    context = {
        "page": paginator.get_page(request.GET.get("page")),
        "notice": captioning_notice(),
        "waiting": counts["waiting"],
        "kept": filter_kept(chosen),
        "max_files": settings.UPLOAD_MAX_FILES,
        "max_bytes": settings.UPLOAD_MAX_BYTES,
    }
    return render(request, "gallery/gallery.html", context | tabs_context(chosen, counts))


def filter_chosen(request: HttpRequest) -> str:
    chosen = request.GET.get("show", "all")
    return chosen if chosen in FILTERS else "all"


def filter_kept(chosen: str) -> str:
    """The end of a link that keeps the gallery's filter."""
    return f"?show={chosen}" if chosen in FILTERS and chosen != "all" else ""


def tabs_context(chosen: str, counts: dict[str, int]) -> dict[str, object]:
    """The filters above the gallery. `seen_tabs` is what an open page reports when it polls."""
    return {
        "filters": [(key, label, counts[key]) for key, (label, _) in FILTERS.items()],
        "chosen": chosen,
        "seen_tabs": ":".join([chosen, *(str(count) for count in counts.values())]),
    }


@login_required
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Take in the files of one form. The upload script sends one file per request and asks for JSON."""
    try:
        uploads = services.photos_upload(owner=user_of(request), files=request.FILES.getlist("file"))
    except SiteError as error:
        if wants_json(request):
            return error_answer(error)
        messages.error(request, error.message)
        return redirect("gallery")
    if wants_json(request):
        refused = [STATUS.get(item.error.code, HTTPStatus.OK) for item in uploads if item.error]
        status = max(refused) if len(refused) == len(uploads) else HTTPStatus.OK
        return JsonResponse({"results": [_result(item, request) for item in uploads]}, status=status)
    for item in uploads:
        if item.error:
            messages.error(request, item.error.message)
        elif item.photo and not item.created:
            link = format_html('<a href="{}">Show it</a>', item.photo.get_absolute_url())
            messages.info(request, format_html("{} is already in your gallery. {}", item.name, link))
    tally = services.uploads_tally(uploads)
    follow = " The captions follow." if tally.taken else ""
    if tally.found > tally.taken:
        messages.info(request, f"{tally}{follow}")
    else:
        messages.success(request, f"{tally.taken} photo{'s' if tally.taken > 1 else ''} added.{follow}")
    return redirect("gallery")


def _result(item: services.Upload, request: HttpRequest) -> dict[str, str]:
    if item.error:
        return {"status": "error", "name": item.name, "code": item.error.code, "message": item.error.message}
    assert item.photo is not None
    url = item.photo.get_absolute_url()
    if not item.created:
        return {
            "status": "duplicate",
            "name": item.name,
            "url": url,
            "message": f"{item.name} is already in your gallery.",
        }
    html = render_to_string("gallery/_card.html", {"photo": item.photo}, request)
    return {"status": "created", "name": item.name, "url": url, "html": html}


@login_required
@require_safe
def photo(request: HttpRequest, photo_id: int) -> HttpResponse:
    visible = selectors.photos_visible_to(user_of(request))
    photo = get_object_or_404(selectors.photos_detailed(visible), pk=photo_id)
    return render(request, "gallery/photo.html", photo_page_context(request, photo))


def photo_page_context(request: HttpRequest, photo: Photo) -> dict[str, object]:
    """The whole page. Only the owner goes on to the photos beside it."""
    chosen = filter_chosen(request)
    newer = older = None
    if photo.owner_id == user_of(request).pk:
        newer, older = selectors.photos_beside(photo, standing="" if chosen == "all" else chosen)
    beside = {"kept": filter_kept(chosen), "newer": newer, "older": older}
    return photo_context(photo) | beside | {"notice": captioning_notice()}


def photo_context(photo: Photo) -> dict[str, object]:
    """The panel beside the photo. `seen`: the newest decision, which a form on it sends back."""
    caption, newest = photo.caption, selectors.decision_newest(photo)
    certain = objects_certain(selectors.objects_shown(photo))
    texts = (photo.text, caption.text if caption else "")
    return {
        "photo": photo,
        "decision": newest if photo.review_state != ReviewState.UNDECIDED else None,
        "seen": newest.pk if newest else "",
        "history": selectors.decisions_told(photo) if caption else [],
        "typed": photo.text,
        "alternatives": [each for each in caption.alternatives if each["text"] not in texts] if caption else [],
        "attention": attention_view(caption) if caption else None,
        "also_seen": objects_unsaid(certain, texts=texts),
        "retryable": photo.job.state in RETRYABLE,
        "waiting": photo.job.state in WAITING and caption is None,  # a reload would empty an open editor
    }


def _own(request: HttpRequest, photo_id: int) -> Photo:
    return get_object_or_404(Photo.objects.select_related("job"), pk=photo_id, owner=user_of(request))


@login_required
@require_POST
def photo_delete(request: HttpRequest, photo_id: int) -> HttpResponse:
    photo = _own(request, photo_id)
    services.photo_delete(photo=photo)
    messages.success(request, f"{photo.name} was deleted.")
    return redirect("gallery")


@login_required
@require_POST
def photo_retry(request: HttpRequest, photo_id: int) -> HttpResponse:
    photo = _own(request, photo_id)
    try:
        job_retry(photo=photo)
    except SiteError as error:
        messages.error(request, error.message)
    return redirect("photo", photo_id)
