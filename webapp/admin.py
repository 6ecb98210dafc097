"""Shared by the admin's pages: the site's name, read-only pages, filters and actions."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.views.main import PAGE_VAR
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webapp.admin_paginator import BoundedPaginator
from webapp.errors import SiteError

PAGE_DIGITS: Final = 9  # more rows than any list has

admin.site.site_header = "Fovea"
admin.site.site_title = "Fovea"
admin.site.index_title = "Administration"


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Rows that only the services write. The permission `manage` allows this page's actions."""

    list_per_page = 50
    show_full_result_count = False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = str(self.opts.verbose_name_plural).capitalize()
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_paginator(
        self, request: HttpRequest, queryset: QuerySet[Any], per_page: int, *args: Any, **kwargs: Any
    ) -> Paginator[Any]:
        page = request.GET.get(PAGE_VAR, "")
        number = int(page) if page.isdecimal() and len(page) <= PAGE_DIGITS else 1
        return BoundedPaginator(queryset, per_page, *args, page=number, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return super().has_change_permission(request)


class ChoiceFilter(admin.SimpleListFilter):
    """Filters by one column. The code names its values, so no query has to collect them from all rows."""

    values: tuple[str, ...] = ()
    labels: dict[Any, str] = {}  # of values whose names do not say it

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[Any, str]]:
        return [(value, self.labels.get(value, value.replace("_", " "))) for value in self.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(**{str(self.parameter_name): value}) if value else queryset


class DeletesWhole(admin.ModelAdmin[Any]):
    """A person who may delete a row also deletes its dependent rows, with no permission needed for each kind."""

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        to_delete, counts, _, protected = super().get_deleted_objects(objs, request)
        return to_delete, counts, set(), protected


def changelist_url(model: str, **query: object) -> str:
    """The URL of the list of `model` ("captioning_captionjob"), filtered by `query`."""
    return reverse(f"admin:{model}_changelist", query=query)


def state_badge(state: str, label: str) -> SafeString:
    return format_html('<span class="badge badge-{}">{}</span>', state, label)


def act_on_each(
    page: ReadOnlyAdmin, request: HttpRequest, rows: QuerySet[Any], done: str, act: Callable[[Any], object]
) -> None:
    """Act on each row. A refused row does not stop the others. The page shows the first five reasons."""
    count, refusals = 0, []
    for row in rows:
        try:
            act(row)
        except SiteError as error:
            refusals.append(error.message)
        else:
            count += 1
    if count:
        page.message_user(request, f"{count} {done}.", messages.SUCCESS)
    for message in refusals[:5]:
        page.message_user(request, message, messages.WARNING)
    if len(refusals) > 5:
        page.message_user(request, f"… and {len(refusals) - 5} more.", messages.WARNING)
