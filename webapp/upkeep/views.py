"""The page of files without a row: the files, how long they are kept, and a button to recover them."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_safe

from webapp.errors import SiteError
from webapp.photos.lost_and_found import KEPT_DAYS, root
from webapp.photos.models import Photo
from webapp.photos.storage import media_path
from webapp.upkeep.selectors import identity_problem
from webapp.upkeep.services.media_recovery import Outcome, media_lost, media_recover, recovering

ON_PAGE = 50
AT_ONCE = 100  # recovered by one request; each file has to be read


@require_http_methods(["GET", "HEAD", "POST"])
def lost_and_found(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("photos.view_photo"):
        raise PermissionDenied
    may_put_back = request.user.has_perm("photos.change_photo")
    if request.method == "POST":
        if not may_put_back:
            raise PermissionDenied
        _put_back(request)
        return redirect("lost_and_found")
    found = media_lost()
    context = {
        **admin.site.each_context(request),
        "opts": Photo._meta,
        "title": "Lost and found",
        "page": Paginator(found, ON_PAGE).get_page(request.GET.get("page")),
        "problem": identity_problem(),
        "may_put_back": may_put_back,
        "kept_days": KEPT_DAYS,
        "at_once": AT_ONCE,
    }
    return TemplateResponse(request, "admin/upkeep/lost_and_found.html", context)


@require_safe
def lost_thumbnail(request: HttpRequest, name: str) -> HttpResponse:
    """The thumbnail of a lost photo, in the lost-and-found or still in its place."""
    if not request.user.has_perm("photos.view_photo"):
        raise PermissionDenied
    if not name.isalnum():
        raise Http404("There is no picture of this name.")
    for folder in (root() / "photos" / name, media_path(f"photos/{name[:2]}/{name}")):
        if (picture := folder / "thumbnail.jpg").is_file():
            nosniff = {"X-Content-Type-Options": "nosniff"}
            return HttpResponse(picture.read_bytes(), content_type="image/jpeg", headers=nosniff)
    raise Http404("There is no such picture in the lost-and-found.")


def _put_back(request: HttpRequest) -> None:
    try:
        with recovering() as lost:
            results = list(media_recover(lost=lost[:AT_ONCE], adopt=len(lost) <= AT_ONCE))
    except SiteError as error:
        messages.warning(request, error.message)
        return
    back = sum(result.outcome in {Outcome.RECOVERED, Outcome.SAME} for result in results)
    rest = f" {len(lost) - AT_ONCE:,} more wait. Press the button again." if len(lost) > AT_ONCE else ""
    if back:
        messages.success(request, f"{back:,} put back. Their captions follow.{rest}")
    for result in [result for result in results if result.message][:5]:
        messages.warning(request, f"{result.label.name or result.label.sha256[:12]}: {result.message}")
