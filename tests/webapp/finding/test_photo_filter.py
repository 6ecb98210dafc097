"""A filter reads what a URL says, leaves out what nobody offered, and writes itself back."""

import datetime as dt

import pytest
from django.http import QueryDict

from webapp.finding.photo_filter import PhotoFilter, photo_filter_of, photo_filter_read

WHOLE = PhotoFilter(
    q="dog -cat", states=("failed", "quarantined", "cancelled"), by="person", review="edited", sure="fairly", model=3,
    batch=7, since=dt.date(2026, 1, 2), until=dt.date(2026, 3, 4), format="PNG", sort="name",
)  # fmt: skip


def read(query: str) -> PhotoFilter:
    return photo_filter_of(QueryDict(query))


def test_filter_of_no_query_is_empty() -> None:
    assert read("") == PhotoFilter()
    assert PhotoFilter().query() == ""


def test_filter_reads_what_it_wrote() -> None:
    assert read(WHOLE.query()) == WHOLE
    assert "show=failed" in WHOLE.query()


def test_filter_of_single_states_reads_what_it_wrote() -> None:
    wanted = read("state=done&state=failed")
    assert (wanted.states, wanted.show) == (("done", "failed"), "")
    assert read(wanted.query()) == wanted


def test_states_of_a_group_are_that_group() -> None:
    assert read("state=queued&state=paused&state=running") == read("show=waiting")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("show=nowhere", "show"),
        ("state=asleep", "state"),
        ("by=nobody", "by"),
        ("review=1", "review"),
        ("sure=%00", "sure"),
        ("model=x", "model"),
        ("model=-1", "model"),
        ("model=²", "model"),
        (f"batch={2**63}", "batch"),
        (f"batch={'9' * 5000}", "batch"),
        ("since=yesterday", "since"),
        ("since=2026-02-30", "since"),
        ("until=9999-12-31", "until"),
        ("format=EXE", "format"),
        ("sort=sideways", "sort"),
    ],
)
def test_value_that_nobody_offered_is_left_out_and_told(query: str, name: str) -> None:
    wanted, problems = photo_filter_read(QueryDict(f"{query}&q=dog"))
    assert wanted == PhotoFilter(q="dog")
    assert list(problems) == [name]


def test_empty_values_of_a_form_filter_nothing_and_are_no_problem() -> None:
    query = "q=&show=&by=&review=&sure=&model=&batch=&since=&until=&format=&sort=&page=2&other=1"
    assert photo_filter_read(QueryDict(query)) == (PhotoFilter(), {})


def test_search_is_read_on_one_line_and_not_without_end() -> None:
    assert read("q=+a%0Ab%00c++").q == "a b c"
    assert len(read(f"q={'x' * 9000}").q) == 500


def test_filter_without_a_value_keeps_the_others() -> None:
    assert WHOLE.without("q", "states") == PhotoFilter(
        by="person", review="edited", sure="fairly", model=3, batch=7, since=dt.date(2026, 1, 2),
        until=dt.date(2026, 3, 4), format="PNG", sort="name",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", "newest"),
        ("q=dog", "best"),
        ("q=dog&sort=newest", "newest"),
        ("sort=best", "newest"),
        ("sort=name", "name"),
    ],
)
def test_order_depends_on_whether_something_is_searched_for(query: str, order: str) -> None:
    assert read(query).order == order


def test_only_a_search_that_wants_words_is_ranked() -> None:
    assert [read(query).ranked for query in ("q=dog", "q=-dog", "q=!", "", "q=dog&sort=oldest")] == [
        True, False, False, False, False,
    ]  # fmt: skip
