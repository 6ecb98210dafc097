"""Paging for lists whose length is known without a count query."""

from typing import Any, Final

from django.core.paginator import Paginator

PHOTOS_ON_PAGE: Final = 24  # in the gallery and on a batch's page


class CountedPaginator(Paginator[Any]):
    """Takes the number of rows as an argument. Django's paginator would query the database."""

    def __init__(self, object_list: Any, per_page: int, *, count: int) -> None:
        super().__init__(object_list, per_page)
        self._count = count

    @property
    def count(self) -> int:
        return self._count
