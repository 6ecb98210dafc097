"""Pages of the admin's lists, which do not count all rows of a table to show fifty of them."""

from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

COUNTED: Final = 1_000  # rows from the start of the page on


class AtLeast(int):
    """A count that stopped, told as "1,000+" wherever the admin prints it."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{self:,}+"


class BoundedPaginator(Paginator[Any]):
    """Counts up to COUNTED rows beyond the start of the page that is asked for.

    A short list is counted to its end. A long one is told as "1,000+"; its last page number is where the count
    stopped, and that page counts on, so that every row can be reached.
    """

    def __init__(self, rows: QuerySet[Any], per_page: int, *args: Any, page: int = 1, **kwargs: Any) -> None:
        super().__init__(rows, per_page, *args, **kwargs)
        self._rows = rows
        self._bound = max(page - 1, 0) * self.per_page + COUNTED

    @cached_property
    def count(self) -> int:
        counted = self._rows.order_by().values("pk")[: self._bound + 1].count()
        return AtLeast(self._bound) if counted > self._bound else counted
