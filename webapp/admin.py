"""What the pages of the admin share: its name, pages that only read, and the photo beside its row."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webapp.gallery.models import Photo

admin.site.site_header = "Fovea"
admin.site.site_title = "Fovea"
admin.site.index_title = "Administration"


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Rows that the services write and nobody types in. `manage` is the right to run this page's actions."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return super().has_change_permission(request)


def photo_image(photo: Photo, *, kind: str) -> SafeString:
    """The photo's `thumbnail` or `preview`, free of metadata, through the view that checks access."""
    return format_html(
        '<img class="photo-{}" src="{}" alt="{}" loading="lazy">', kind, media_url(photo, kind=kind), photo.name
    )


def media_url(photo: Photo, *, kind: str) -> str:
    return reverse("media", args=[photo.pk, kind])


def changelist_url(model: str, **query: object) -> str:
    """The list of `model` ("gallery_captionjob"), narrowed by `query`."""
    return reverse(f"admin:{model}_changelist", query=query)
