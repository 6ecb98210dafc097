"""Pictures for the admin's lists and pages."""

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webapp.photos.models import Photo


def photo_image(photo: Photo, *, kind: str) -> SafeString:
    """The photo's `thumbnail` or `preview`, free of metadata, through the view that checks access."""
    return format_html(
        '<img class="photo-{}" src="{}" alt="{}" loading="lazy">', kind, media_url(photo, kind=kind), photo.name
    )


def media_url(photo: Photo, *, kind: str) -> str:
    return reverse("media", args=[photo.pk, kind])
