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
from webapp.finding.photo_filter import STANDINGS, PhotoFilter, photo_filter_of
from webapp.finding.selectors import FoundPhotos
from webapp.gallery.photo_filters import FilterForm
from webapp.gallery.word_heat_maps import attention_view
from webapp.paging import PHOTOS_ON_PAGE, CountedPaginator
from webapp.photos.models import Photo, ReviewState

TABS: Final = {"all": "All", **{standing.value: standing.label for standing in selectors.STATES}}


@login_required
@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """All photos, or those that the URL's query finds: see `finding.photo_filter`."""
    user = user_of(request)
    form = FilterForm(user, photo_filter_of(request.GET))
    wanted = form.wanted
    counts = selectors.photos_counts(user)
    known = None if wanted.narrowed else counts.get(wanted.show)
    found = FoundPhotos(user, wanted, count=known)
    page = CountedPaginator(found, PHOTOS_ON_PAGE, count=found.count()).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "form": form,
        "drops": [] if page.object_list or not wanted.query() else form.helpful_drops(),
        "any": counts["all"] > 0,
        "notice": captioning_notice(),
        "waiting": counts["waiting"],
        "kept": filter_kept(wanted.show),
        "max_files": settings.UPLOAD_MAX_FILES,
        "max_bytes": settings.UPLOAD_MAX_BYTES,
    }
    response = render(request, "gallery/gallery.html", context | tabs_context(wanted, counts))
    if "HX-Request" in request.headers:  # typed into the form: the address says no more than what filters
        query = wanted.query()
        response.headers["HX-Replace-Url"] = f"{request.path}?{query}" if query else request.path
    return response


def filter_chosen(request: HttpRequest) -> str:
    chosen = request.GET.get("show", "all")
    return chosen if chosen in TABS else "all"


def filter_kept(chosen: str) -> str:
    """The end of a link that keeps the gallery's filter."""
    return f"?show={chosen}" if chosen in STANDINGS else ""


def tabs_context(wanted: PhotoFilter, counts: dict[str, int]) -> dict[str, object]:
    """The groups of states above the gallery; they keep the other filters. `seen_tabs` and `found` are what an open
    page reports when it polls. The counts are of all photos, so they are not told where anything else filters.
    """
    tabs = [
        (key, label, counts[key], wanted.query(states=STANDINGS.get(key, frozenset()))) for key, label in TABS.items()
    ]
    seen = "" if wanted.narrowed else ":".join([wanted.show, *(str(count) for count in counts.values())])
    return {"tabs": tabs, "found": wanted, "seen_tabs": seen}


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
