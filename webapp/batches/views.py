from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from webapp.accounts.request_user import user_of
from webapp.batches import selectors
from webapp.batches.errors import BatchRejected
from webapp.batches.models import Batch
from webapp.batches.services.batch_control import batch_cancel, batch_pause, batch_resume
from webapp.batches.services.batch_items import LIVE
from webapp.batches.services.zip_unpacking import batch_create_from_zip
from webapp.captioning.notices import captioning_notice
from webapp.captioning.selectors.photos import photos_listed
from webapp.error_answers import error_answer, wants_json
from webapp.errors import SiteError
from webapp.paging import PHOTOS_ON_PAGE, CountedPaginator
from webapp.photos.upload_parser import ARCHIVE_FIELD

BATCHES_ON_PAGE = 20
ROWS_ON_PAGE = 50
TABS = {"photos": "Photos", "failures": "Failures", "left_out": "Left out"}
LISTS = {
    "failures": (selectors.batch_failures, selectors.batch_failures_count),
    "left_out": (selectors.batch_left_out, lambda batch: selectors.batch_progress(batch).left_out),
}
ACTIONS = {"pause": batch_pause, "resume": batch_resume, "cancel": batch_cancel}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def batches(request: HttpRequest) -> HttpResponse:
    """The user's batches. POST takes a zip."""
    if request.method == "POST":
        return _batch_create(request)
    paginator = Paginator(selectors.batches_of(user_of(request)), BATCHES_ON_PAGE)
    page = paginator.get_page(request.GET.get("page"))
    page.object_list = selectors.batches_counted(page.object_list)
    context = {
        "page": page,
        "rows": [batch_context(batch) for batch in page],
        "notice": captioning_notice(),
        "max_bytes": settings.ZIP_MAX_BYTES,
        "max_files": settings.ZIP_MAX_FILES,
    }
    return render(request, "batches/batches.html", context)


def _batch_create(request: HttpRequest) -> HttpResponse:
    try:
        if not (file := request.FILES.get(ARCHIVE_FIELD)):
            raise BatchRejected("no_file", "No file was sent. Choose a zip.")
        batch = batch_create_from_zip(owner=user_of(request), file=file, name=request.POST.get("name", ""))
    except SiteError as error:
        if wants_json(request):
            return error_answer(error)
        messages.error(request, error.message)
        return redirect("batches")
    url = batch.get_absolute_url()
    if wants_json(request):
        result = {"status": "created", "url": url, "message": f"{batch.name} was taken in as a batch."}
        return JsonResponse({"results": [result]})
    return redirect(url)


@login_required
@require_safe
def batch(request: HttpRequest, batch_id: int) -> HttpResponse:
    batch = get_object_or_404(Batch, pk=batch_id, owner=user_of(request))
    show = chosen if (chosen := request.GET.get("show")) in TABS else "photos"
    number = request.GET.get("page")
    tally = selectors.batch_tally(batch)
    context = batch_context(batch) | {"show": show, "tabs": TABS, "tally": tally, "notice": captioning_notice()}
    context["waiting"] = context["pending"]
    if show in LISTS:
        rows, count = LISTS[show]
        context["page"] = CountedPaginator(rows(batch), ROWS_ON_PAGE, count=count(batch)).get_page(number)
    else:
        context |= grid_context(batch, number)
    return render(request, "batches/batch.html", context)


def batch_context(batch: Batch) -> dict[str, object]:
    """Template values of a batch. `seen_batch` is the state that an open page reports when it polls."""
    progress = selectors.batch_progress(batch)
    live = batch.state in LIVE
    counts = (progress.captioned, progress.failed, progress.waiting, progress.left_out, progress.total)
    return {
        "batch": batch,
        "progress": progress,
        "pending": live and not progress.finished,
        "finished": batch.state == Batch.State.RUNNING and progress.finished,
        "seen_batch": f"{batch.pk}:{batch.state} {counts}",
    }


def grid_context(batch: Batch, number: str | None = None) -> dict[str, object]:
    """A page of the batch's photos. `seen_grid` is set if more photos may still join the page."""
    count = selectors.batch_photos_count(batch)
    page = CountedPaginator(selectors.batch_photo_ids(batch), PHOTOS_ON_PAGE, count=count).get_page(number)
    if page.number > 1 and not page.object_list:  # files of one photo are counted each
        count = selectors.batch_photo_ids(batch).count()
        page = CountedPaginator(selectors.batch_photo_ids(batch), PHOTOS_ON_PAGE, count=count).get_page(number)
    page.object_list = list(photos_listed().filter(pk__in=list(page.object_list)).order_by("-pk"))
    growing = page.number == 1 and len(page) < PHOTOS_ON_PAGE
    return {"page": page, "seen_grid": f"{batch.pk}:{len(page)}" if growing else ""}


@login_required
@require_POST
def batch_change(request: HttpRequest, batch_id: int, action: str) -> HttpResponse:
    if action not in ACTIONS:
        raise Http404(f"no such action on a batch: {action}")
    batch = get_object_or_404(Batch, pk=batch_id, owner=user_of(request))
    try:
        ACTIONS[action](batch=batch)
    except SiteError as error:
        messages.error(request, error.message)
    return redirect(batch)
