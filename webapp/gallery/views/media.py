from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from webapp.gallery import storage
from webapp.gallery.models import Photo

DERIVATIVES = ("thumbnail", "preview")


@login_required
@require_safe
def media(request: HttpRequest, photo_id: int, kind: str) -> HttpResponse:
    """A photo's file. Its owner and staff see our own JPEGs; the original, which may hold anything and says where it
    was taken, is a download for the owner alone."""
    if kind not in (*DERIVATIVES, "original"):
        raise Http404(f"no such file of a photo: {kind}")
    all_of_them = request.user.is_staff and kind in DERIVATIVES
    photos = Photo.objects.all() if all_of_them else Photo.objects.filter(owner=request.user.pk)
    photo = get_object_or_404(photos, pk=photo_id)
    try:
        content = storage.media_path(getattr(photo, kind)).read_bytes()
    except FileNotFoundError as error:
        raise Http404(f"the {kind} of {photo.name} is missing from the media folder") from error
    if kind in DERIVATIVES:
        response = HttpResponse(content, content_type="image/jpeg")
        response["Cache-Control"] = "private, max-age=86400"  # and by Vary: not for the next person at this browser
    else:
        response = HttpResponse(content, content_type="application/octet-stream")
        response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=photo.name) or ""
        response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Vary"] = "Cookie"
    return response
