"""Items drawn ahead by a thread: all of them, in order, and no longer than wanted."""

import threading
import time
from collections.abc import Iterator

import pytest

from training.batches.prefetcher import Prefetcher


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


def test_prefetcher_gives_all_items_in_order():
    with Prefetcher(range(100)) as items:
        assert list(items) == list(range(100))


def test_prefetcher_draws_in_another_thread():
    def drawn() -> Iterator[threading.Thread]:
        yield threading.current_thread()

    with Prefetcher(drawn()) as items:
        assert next(iter(items)) is not threading.current_thread()


def test_prefetcher_raises_what_drawing_raised_after_the_items_before_it():
    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("photo 2")

    seen: list[int] = []
    with pytest.raises(ValueError, match="photo 2"), Prefetcher(failing()) as items:
        seen.extend(items)

    assert seen == [1]


def test_prefetcher_draws_a_few_items_ahead_and_not_more():
    drawn: list[int] = []

    def endless() -> Iterator[int]:
        while True:
            drawn.append(len(drawn))
            yield drawn[-1]

    with Prefetcher(endless()) as items:
        next(iter(items))
        deadline = time.monotonic() + 5
        while len(drawn) < 6 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)

    assert len(drawn) == 6  # the one that was read, four that wait, and one in the thread's hand


def test_prefetcher_that_is_left_early_ends_its_thread():
    def endless() -> Iterator[int]:
        while True:
            yield 1

    with Prefetcher(endless()) as items:
        next(iter(items))
        assert threads()

    assert not threads()


def test_prefetcher_that_is_left_by_an_error_ends_its_thread():
    with pytest.raises(TypeError), Prefetcher(["1", None, "3"]) as items:
        list(map(len, items))  # type: ignore[arg-type]

    assert not threads()


def test_prefetcher_counts_the_time_that_its_reader_waits():
    def slow() -> Iterator[int]:
        for number in range(3):
            time.sleep(0.1)
            yield number

    with Prefetcher(slow()) as items:
        assert items.waited == 0
        list(items)

    assert 0.1 < items.waited < 10


def test_prefetcher_does_not_count_the_time_that_its_reader_works():
    with Prefetcher(range(3)) as items:
        for _ in items:
            time.sleep(0.2)

    assert items.waited < 0.5
