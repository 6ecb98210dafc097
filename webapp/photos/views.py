from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from webapp.accounts.request_user import user_of
from webapp.photos import storage
from webapp.photos.access import sees_all_photos
from webapp.photos.models import Photo

DERIVATIVES = ("thumbnail", "preview")


@login_required
@require_safe
def media(request: HttpRequest, photo_id: int, kind: str) -> HttpResponse:
    """A file of a photo. The owner and permitted staff get the JPEG derivatives. Only the owner gets the original, as
    a download: it may hold any content, and metadata such as the place."""
    if kind not in (*DERIVATIVES, "original"):
        raise Http404(f"no such file of a photo: {kind}")
    user = user_of(request)
    all_of_them = kind in DERIVATIVES and sees_all_photos(user)
    photos = Photo.objects.all() if all_of_them else Photo.objects.filter(owner=user)
    photo = get_object_or_404(photos, pk=photo_id)
    try:
        content = storage.media_path(getattr(photo, kind)).read_bytes()
    except FileNotFoundError as error:
        raise Http404(f"the {kind} of {photo.name} is missing from the media folder") from error
    if kind in DERIVATIVES:
        response = HttpResponse(content, content_type="image/jpeg")
        response["Cache-Control"] = "private, max-age=86400"  # with Vary: not for the next person at this browser
    else:
        response = HttpResponse(content, content_type="application/octet-stream")
        response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=photo.name) or ""
        response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Vary"] = "Cookie"
    return response
