"""The queue contract, with a real broker."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.brokers import Broker, broker_use, wait_until
from tests.webapp.job_rows import published
from webapp import jobs


@pytest.fixture
def own_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """One that the test may break."""
    with Broker() as broker:
        broker_use(broker, monkeypatch)
        yield broker


def test_enqueue_publishes_ids_as_json(broker: Broker) -> None:
    assert jobs.caption_photos_enqueue([5, 7], queue=jobs.INTERACTIVE)
    assert published(broker, jobs.INTERACTIVE) == [{"job_ids": [5, 7]}]


def test_enqueue_chunks_many_ids(broker: Broker) -> None:
    assert jobs.caption_photos_enqueue(range(jobs.CHUNK_SIZE * 2 + 1), queue=jobs.BULK)
    chunks = [message["job_ids"] for message in published(broker, jobs.BULK)]
    assert [len(chunk) for chunk in chunks] == [jobs.CHUNK_SIZE, jobs.CHUNK_SIZE, 1]


def test_enqueue_of_nothing_publishes_nothing(broker: Broker) -> None:
    assert jobs.caption_photos_enqueue([], queue=jobs.BULK)
    assert broker.length(jobs.BULK) == 0


def test_enqueue_of_a_batch_and_of_a_model_name_their_rows(broker: Broker) -> None:
    jobs.batch_unpack_enqueue(3)
    jobs.model_verify_enqueue(4)
    assert published(broker, jobs.BULK) == [{"batch_id": 3}]
    assert published(broker, jobs.INTERACTIVE) == [{"model_version_id": 4}]


def test_queue_lengths_count_what_waits(broker: Broker) -> None:
    jobs.caption_photos_enqueue(range(20), queue=jobs.BULK)
    assert jobs.queue_lengths() == {"housekeeping": 0, "interactive": 0, "bulk": 2}


def test_enqueue_says_when_no_broker_listens(own_broker: Broker) -> None:
    own_broker.kill()
    assert not jobs.caption_photos_enqueue([1], queue=jobs.INTERACTIVE)


def test_enqueue_answers_within_five_seconds_when_the_broker_is_silent(own_broker: Broker) -> None:
    own_broker.freeze()
    start = time.monotonic()
    assert not jobs.caption_photos_enqueue(range(100), queue=jobs.INTERACTIVE)
    assert time.monotonic() - start < 5


def test_enqueue_by_many_at_once_waits_for_a_silent_broker_once(own_broker: Broker) -> None:
    own_broker.freeze()
    uploads = 3 * jobs.app.conf.broker_pool_limit
    start = time.monotonic()
    with ThreadPoolExecutor(uploads) as people:
        taken = list(
            people.map(lambda job_id: jobs.caption_photos_enqueue([job_id], queue=jobs.INTERACTIVE), range(uploads))
        )
    assert not any(taken)
    assert time.monotonic() - start < 5


def test_enqueue_spares_a_broker_that_just_failed(own_broker: Broker) -> None:
    own_broker.freeze()
    assert not jobs.caption_photos_enqueue([1], queue=jobs.INTERACTIVE)
    own_broker.thaw()
    assert not jobs.caption_photos_enqueue([2], queue=jobs.INTERACTIVE)


def test_enqueue_works_again_after_the_broker_restarted(own_broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BROKER_REST_SECONDS", 0.0)
    assert jobs.caption_photos_enqueue([1], queue=jobs.INTERACTIVE)
    own_broker.kill()
    own_broker.start()
    wait_until(lambda: jobs.caption_photos_enqueue([2], queue=jobs.INTERACTIVE), what="a publication")
    assert {"job_ids": [2]} in published(own_broker, jobs.INTERACTIVE)


def test_queue_lengths_are_unknown_when_no_broker_listens(own_broker: Broker) -> None:
    own_broker.kill()
    assert jobs.queue_lengths() is None


def test_queue_lengths_are_unknown_when_the_broker_is_silent(own_broker: Broker) -> None:
    own_broker.freeze()
    start = time.monotonic()
    assert jobs.queue_lengths() is None
    assert time.monotonic() - start < 5
