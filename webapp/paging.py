"""Pages of lists whose length is known without counting their rows."""

from typing import Any, Final

from django.core.paginator import Paginator

PHOTOS_ON_PAGE: Final = 24  # in the gallery, and of a batch


class CountedPaginator(Paginator[Any]):
    """Takes the number of rows, where Django's own asks the database for it."""

    def __init__(self, object_list: Any, per_page: int, *, count: int) -> None:
        super().__init__(object_list, per_page)
        self._count = count

    @property
    def count(self) -> int:
        return self._count
