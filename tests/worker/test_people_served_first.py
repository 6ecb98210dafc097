"""People are served first: a task of their photos goes on with those that came in the meantime."""

import threading
import time
from concurrent.futures import Future
from functools import partial
from typing import Any

import numpy as np
import pytest
from django.db import connection

from tests.brokers import Broker, wait_until
from tests.photos import photo_store, picture
from webapp import jobs
from webapp.captioning.models import CaptionJob
from worker.batcher import Batcher, Captioned
from worker.caption_pipeline import LOOK_SECONDS, photos_caption
from worker.running_worker import RunningWorker

State = CaptionJob.State


def states() -> set[str]:
    return set(CaptionJob.objects.values_list("state", flat=True))


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.caption_pipeline.GIVE_WAY_SECONDS", 60.0)


@pytest.fixture
def message(user) -> list[int]:
    """Of one photo; five more wait whose uploads sent none."""
    return [photo_store(user, picture(seed)).job.pk for seed in range(6)][:1]


def in_thread(running_worker: RunningWorker, job_id: int) -> threading.Thread:
    def work() -> None:
        photos_caption(running_worker, job_ids=[job_id])
        connection.close()

    task = threading.Thread(target=work)
    task.start()
    return task


def test_task_captions_all_that_wait(running_worker: RunningWorker, message: list[int], broker: Broker) -> None:
    photos_caption(running_worker, job_ids=message)
    assert states() == {State.DONE}
    assert broker.length(jobs.INTERACTIVE) == 0


def test_task_captions_those_that_came_while_it_was_at_work(
    running_worker: RunningWorker, user, message: list[int]
) -> None:
    at_work, came = threading.Event(), threading.Event()
    decode = running_worker.photo_sandbox.pixels

    def slow(*arguments, **options):
        at_work.set()
        assert came.wait(20)
        return decode(*arguments, **options)

    running_worker.photo_sandbox.pixels = slow  # type: ignore[method-assign]
    task = in_thread(running_worker, message[0])
    assert at_work.wait(20)
    photo_store(user, picture(99))
    came.set()
    task.join()
    assert states() == {State.DONE}


def test_task_gives_way_after_a_while_and_hands_on(
    running_worker: RunningWorker, message: list[int], broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.caption_pipeline.GIVE_WAY_SECONDS", 0.0)
    photos_caption(running_worker, job_ids=message)
    assert states() == {State.DONE, State.QUEUED}
    assert broker.length(jobs.INTERACTIVE) == 1


@pytest.mark.parametrize("lane", [jobs.BULK, jobs.HOUSEKEEPING])
def test_task_of_another_queue_goes_on_with_nothing(running_worker: RunningWorker, user, lane: str) -> None:
    job = photo_store(user, picture(7), lane=jobs.BULK).job
    CaptionJob.objects.filter(pk=job.pk).update(lease_count=lane == jobs.HOUSEKEEPING)
    waiting = photo_store(user, picture(8)).job
    photos_caption(running_worker, job_ids=[job.pk])
    assert dict(CaptionJob.objects.values_list("pk", "state")) == {job.pk: State.DONE, waiting.pk: State.QUEUED}


def test_task_whose_photo_another_one_took_looks_for_the_next_ones(
    running_worker: RunningWorker, message: list[int]
) -> None:
    CaptionJob.objects.filter(pk__in=message).update(state=State.PAUSED)
    photos_caption(running_worker, job_ids=message)
    assert states() == {State.PAUSED, State.DONE}


def test_task_that_can_hand_on_to_nobody_goes_on(
    running_worker: RunningWorker, message: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.caption_pipeline.GIVE_WAY_SECONDS", 0.0)
    monkeypatch.setattr("webapp.jobs._publish", lambda *_, **__: False)
    photos_caption(running_worker, job_ids=message)
    assert states() == {State.DONE}


def test_task_of_a_worker_that_was_told_to_end_hands_on(
    running_worker: RunningWorker, message: list[int], broker: Broker
) -> None:
    recorded = running_worker.counted

    def stop(**counts: int) -> None:
        running_worker.stopping.set()
        recorded(**counts)

    running_worker.counted = stop  # type: ignore[method-assign]
    photos_caption(running_worker, job_ids=message)
    assert states() == {State.DONE, State.QUEUED}
    assert broker.length(jobs.INTERACTIVE) >= 1


class BusyBatcher:
    """Whose model does not come to bulk photos before it is told to."""

    def __init__(self, batcher: Batcher) -> None:
        self._batcher, self.turn = batcher, threading.Event()

    def submit(self, image: np.ndarray, *, model: Any, interactive: bool) -> "Future[Captioned]":
        if interactive:
            return self._batcher.submit(image, model=model, interactive=True)
        self._batcher.submit(image, model=model, interactive=False).add_done_callback(self._later)
        self.future: Future[Captioned] = Future()
        return self.future

    def _later(self, done: "Future[Captioned]") -> None:
        def give() -> None:
            self.turn.wait(20)
            self.future.set_result(done.result())

        threading.Thread(target=give).start()

    def close(self) -> None:
        self._batcher.close()


@pytest.fixture
def busy(running_worker: RunningWorker) -> BusyBatcher:
    running_worker.batcher = BusyBatcher(running_worker.batcher)  # type: ignore[assignment]
    return running_worker.batcher  # type: ignore[return-value]


def state(job: CaptionJob) -> str:
    job.refresh_from_db()
    return job.state


def done(job: CaptionJob) -> bool:
    return state(job) == State.DONE


def test_hand_that_waits_for_a_bulks_captions_serves_people_meanwhile(
    running_worker: RunningWorker, user, busy: BusyBatcher
) -> None:
    bulk = photo_store(user, picture(1), lane=jobs.BULK).job
    task = in_thread(running_worker, bulk.pk)
    wait_until(lambda: state(bulk) == State.RUNNING, what="its lease")
    for seed in (2, 3):
        came = photo_store(user, picture(seed)).job
        wait_until(partial(done, came), what="the caption of one that came meanwhile")
    assert state(bulk) == State.RUNNING

    busy.turn.set()
    task.join()
    assert states() == {State.DONE}


def test_one_hand_alone_looks(running_worker: RunningWorker, user, busy: BusyBatcher) -> None:
    assert running_worker.looking.acquire(blocking=False)
    task = in_thread(running_worker, photo_store(user, picture(1), lane=jobs.BULK).job.pk)
    came = photo_store(user, picture(2)).job
    time.sleep(10 * LOOK_SECONDS)
    assert state(came) == State.QUEUED
    running_worker.looking.release()
    busy.turn.set()
    task.join()


def test_hand_looks_no_more_once_the_worker_is_told_to_end(
    running_worker: RunningWorker, user, busy: BusyBatcher
) -> None:
    bulk = photo_store(user, picture(1), lane=jobs.BULK).job
    task = in_thread(running_worker, bulk.pk)
    wait_until(running_worker.looking.locked, what="its look")
    running_worker.stopping.set()
    wait_until(lambda: not running_worker.looking.locked(), what="its end")
    busy.turn.set()
    task.join()
    assert state(bulk) == State.DONE
