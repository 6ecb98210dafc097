from functools import partial
from typing import Any

from rest_framework.pagination import PageNumberPagination

from webapp.paging import CountedPaginator


class Pagination(PageNumberPagination):
    """Uses the view's `rows_count()` where it has one, instead of counting the rows."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> Any:
        if hasattr(view, "rows_count"):
            self.django_paginator_class = partial(CountedPaginator, count=view.rows_count())  # type: ignore[assignment]
        return super().paginate_queryset(queryset, request, view)
