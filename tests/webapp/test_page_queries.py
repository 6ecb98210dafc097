"""No page asks more queries for an owner of many photos than for one of few. Its time: `benchmarks/pages`."""

import pytest

from benchmarks.pages.rows import site_fill
from benchmarks.pages.visits import Visitor

FEW, MANY = 60, 300  # a page of each list is full with either


def queries_of_pages(count: int) -> dict[str, int]:
    """Of each page, once it has been asked for before: what is kept from then on is not counted."""
    visitor = Visitor(site_fill(owner=f"owner of {count}", count=count))
    for name in visitor.pages:
        visitor.visit(name)
    return {name: len(visitor.queries(name)) for name in visitor.pages}


@pytest.mark.django_db(transaction=True)
def test_pages_cost_the_same_queries_for_few_rows_and_for_many() -> None:
    """But for a search of few, whose page is not full of texts: it looks for what is seen in photos as well.

    Where it finds nothing at all, it also asks which filter to drop.
    """
    few, many = queries_of_pages(FEW), queries_of_pages(MANY)
    differ = {name: (few[name], many[name]) for name in few if few[name] != many[name]}
    assert all("search" in name and less < more <= less + 2 for name, (more, less) in differ.items()), differ
