"""One of the two sites that are compared, in its stack's process. Functions are sent there by name (stacks.py)."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.pages.visits import Visitor
    from tests.stack import Stack

VISITS = 5  # of which the median counts
VISITS_OF_SEARCH = 20

_visitor: Visitor | None = None


@dataclass(frozen=True)
class Queries:
    """What a page asks the database: how many queries, and the slowest in words, as SQL and as a plan."""

    count: int
    slowest_ms: float
    slowest_sql: str
    slowest_plan: str


def side_open(stack: Stack, count: int) -> dict[str, str]:
    """Fills the database and logs in. The pages' names and kinds."""
    global _visitor
    from benchmarks.pages.rows import site_fill
    from benchmarks.pages.visits import Visitor

    _visitor = Visitor(site_fill(owner="ada", count=count))
    return {name: page.kind for name, page in _visitor.pages.items()}


def page_warm(stack: Stack, name: str) -> None:
    """Templates are compiled and the database's pages read; the workers are alive."""
    from benchmarks.pages.rows import workers_beat

    workers_beat()
    _opened().visit(name)


def page_ms(stack: Stack, name: str) -> float:
    """The median of some visits, in milliseconds."""
    visitor = _opened()
    return 1000 * statistics.median(visitor.visit(name) for _ in range(VISITS))


def page_p95_ms(stack: Stack, name: str) -> float:
    """The 95th percentile of some visits, in milliseconds."""
    visitor = _opened()
    return 1000 * statistics.quantiles([visitor.visit(name) for _ in range(VISITS_OF_SEARCH)], n=20)[-1]


def page_queries(stack: Stack, name: str) -> Queries:
    from benchmarks.pages.visits import plan_of

    asked = _opened().queries(name)
    if not asked:  # /metrics asks in a thread of its own what the page of the workers asks
        return Queries(0, 0.0, "", "")
    slowest = max(asked, key=lambda each: each.seconds)
    return Queries(len(asked), 1000 * slowest.seconds, slowest.sql, plan_of(slowest))


def _opened() -> Visitor:
    assert _visitor is not None
    return _visitor
