"""The worker as a process of its own, with a real broker: it starts, works, is killed, is told to end."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from tests.brokers import Broker, broker_use, wait_until
from tests.photos import photo_store, picture
from tests.processes import WorkerProcess, group_processes
from webapp import jobs
from webapp.captioning.models import Caption, CaptionJob, ModelVersion, WorkerHeartbeat
from webapp.captioning.selectors.operating_state import operation
from webapp.captioning.selectors.workers import ALIVE_SECONDS, Progress, WorkerState, worker_progress
from webapp.photos.models import Photo
from webapp.upkeep.services.media_identity import identity_adopt

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

State = CaptionJob.State


@pytest.fixture
def worker(broker: Broker, transactional_db: None, tiny_bundle: Path, tmp_path: Path) -> Iterator[WorkerProcess]:
    with WorkerProcess(tmp_path / "worker.log", tiny_bundle) as process:
        yield process


def _enqueue(*photos: Photo) -> None:
    assert jobs.caption_photos_enqueue([photo.job.pk for photo in photos], queue=jobs.INTERACTIVE)


def _in_state(state: str, *photos: Photo) -> bool:
    return CaptionJob.objects.filter(photo__in=photos, state=state).count() == len(photos)


def _endless(photo: Photo) -> Path:
    """Replace a photo's original by a pipe that nobody writes to: whoever opens it waits for ever."""
    original: Path = settings.MEDIA_ROOT / photo.original
    original.unlink()
    os.mkfifo(original)
    return original


@contextmanager
def _busy_worker(log: Path, bundle: Path, hung: Photo) -> Iterator[None]:
    """A worker runs that has one hand, and in it a photo whose file hangs its decoder."""
    _endless(hung)
    with WorkerProcess(log, bundle, FOVEA_DECODE_TIMEOUT_SECONDS="600", FOVEA_WORKER_THREADS="1") as worker:
        worker.ready()
        _enqueue(hung)
        wait_until(lambda: _in_state(State.RUNNING, hung), what="the lease")
        yield


def test_worker_captions_with_the_default_bundle_on_its_first_start(worker: WorkerProcess, user) -> None:
    photos = [photo_store(user, picture(seed)) for seed in range(3)]
    _enqueue(*photos)
    wait_until(lambda: worker_progress().progress is Progress.STARTING, what="the sign that a worker is starting")
    worker.ready()
    wait_until(lambda: _in_state(State.DONE, *photos), what="captioning")
    version = ModelVersion.objects.get(state=ModelVersion.State.ACTIVE)
    assert {caption.model_version for caption in Caption.objects.all()} == {version}
    assert version.path == f"models/{version.version[:12]}"
    assert worker_progress().ok
    assert worker.terminate() == 0
    assert not WorkerHeartbeat.objects.exists()


def test_worker_outlives_messages_that_it_refuses(worker: WorkerProcess, user, broker: Broker) -> None:
    worker.ready()
    with jobs.app.connection_for_write() as connection:
        producer = connection.Producer()
        names: dict[str, Any] = {"routing_key": jobs.INTERACTIVE, "headers": {"task": jobs.CAPTION_PHOTOS, "id": "1"}}
        producer.publish(
            b"\x80\x04K\x01.", content_type="application/x-python-serialize", content_encoding="binary", **names
        )
        producer.publish(b"\x80\x04K\x01.", content_type="application/data", content_encoding="binary", **names)
        producer.publish("not JSON", content_type="application/json", content_encoding="utf-8", **names)
        producer.publish({"no": "task"}, serializer="json", routing_key=jobs.INTERACTIVE)
    for raw in ("garbage", "{}", "[]"):
        broker.command("LPUSH", jobs.INTERACTIVE, raw)
    jobs.app.send_task("fovea.unheard_of", queue=jobs.INTERACTIVE)
    for payload in ({}, {"job_ids": "abc"}, {"job_ids": [10**30]}, {"job_ids": None}, {"ids": [1]}):
        jobs.app.send_task(jobs.CAPTION_PHOTOS, kwargs=payload, queue=jobs.INTERACTIVE)
    photo = photo_store(user, picture(1))
    _enqueue(photo)
    wait_until(lambda: _in_state(State.DONE, photo), what="captioning")
    assert "Refusing to deserialize" in worker.log or "ContentDisallowed" in worker.log
    assert broker.length(jobs.INTERACTIVE) == 0


def test_photo_in_a_killed_workers_hands_is_captioned_once_within_30_s_of_its_restart(
    worker: WorkerProcess, user
) -> None:
    photo, neighbour = photo_store(user, picture(1)), photo_store(user, picture(2))
    whole = (settings.MEDIA_ROOT / photo.original).read_bytes()
    pipe = _endless(photo)
    worker.ready()
    _enqueue(photo, neighbour)
    wait_until(lambda: _in_state(State.RUNNING, photo), what="the lease")
    worker.kill()
    pipe.unlink()
    pipe.write_bytes(whole)
    worker.start()
    worker.ready()
    start = time.monotonic()
    wait_until(lambda: _in_state(State.DONE, photo, neighbour), seconds=30, what="captioning")
    assert time.monotonic() - start < 30
    assert Caption.objects.filter(photo=photo).count() == 1
    photo.job.refresh_from_db()
    assert photo.job.harm_count == 0  # being there when a worker dies is no fault


def test_photo_that_a_person_waits_for_passes_a_long_bulk_run(worker: WorkerProcess, user) -> None:
    bulk = [photo_store(user, picture(seed), lane="bulk") for seed in range(400)]
    jobs.caption_photos_enqueue([photo.job.pk for photo in bulk], queue=jobs.BULK)
    photo = photo_store(user, picture(1000))
    _enqueue(photo)
    wait_until(lambda: _in_state(State.DONE, photo, *bulk), seconds=120, what="captioning")
    photo.job.refresh_from_db()
    before = CaptionJob.objects.filter(lane="bulk", finished_at__lt=photo.job.finished_at)
    assert before.count() <= settings.ENV["FOVEA_WORKER_THREADS"] * jobs.CHUNK_SIZE  # what was in hand already


def test_worker_told_to_end_finishes_or_gives_back(
    broker: Broker, transactional_db: None, tiny_bundle: Path, tmp_path: Path, user
) -> None:
    photo = photo_store(user, picture(1))
    _endless(photo)
    with WorkerProcess(tmp_path / "worker.log", tiny_bundle, FOVEA_DECODE_TIMEOUT_SECONDS="600") as worker:
        worker.ready()
        _enqueue(photo)
        wait_until(lambda: _in_state(State.RUNNING, photo), what="the lease")
        assert worker.terminate(seconds=40) == 0
        wait_until(lambda: not group_processes(worker.running.pid), seconds=2, what="the end of the hanging child")
    photo.job.refresh_from_db()
    assert (photo.job.state, photo.job.lease_count) == (State.QUEUED, 0)


def test_worker_sweeps_while_all_its_hands_are_busy(
    broker: Broker, transactional_db: None, tiny_bundle: Path, tmp_path: Path, user
) -> None:
    long_ago = timezone.now() - timedelta(days=3)
    folder = settings.MEDIA_ROOT / "photos" / "ab" / "abcd"  # of a web process that was killed before its photo's row
    folder.mkdir(parents=True)
    identity_adopt()  # the media folder is shared with tests whose rows are gone
    os.utime(folder, (long_ago.timestamp(), long_ago.timestamp()))
    with _busy_worker(tmp_path / "worker.log", tiny_bundle, photo_store(user, picture(1))):
        stranded = photo_store(user, picture(2), state=State.RUNNING)
        CaptionJob.objects.filter(photo=stranded).update(lease_expires_at=long_ago)
        WorkerHeartbeat.objects.create(name="gone:1", device="cpu", started_at=long_ago, seen_at=long_ago)
        wait_until(lambda: _in_state(State.QUEUED, stranded), seconds=15, what="the sweep")
        wait_until(lambda: not WorkerHeartbeat.objects.filter(name="gone:1").exists(), what="its row's end")
        wait_until(lambda: not folder.exists(), what="the removal of a folder without a row and without files")


def test_worker_that_beats_and_finishes_nothing_while_work_waits_is_unhealthy(
    broker: Broker, transactional_db: None, tiny_bundle: Path, tmp_path: Path, user, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "STALLED_SECONDS", 10)
    hung, waiting = photo_store(user, picture(1)), photo_store(user, picture(2), lane="bulk")
    with _busy_worker(tmp_path / "worker.log", tiny_bundle, hung):
        leased = time.monotonic()
        _enqueue(waiting)
        assert operation().healthy
        wait_until(lambda: not operation().healthy, seconds=20, what="the report")
        assert 5 < time.monotonic() - leased < 15
        now = operation()
        status = now.workers[0]
        assert (now.progress.progress, status.state) == (Progress.STALLED, WorkerState.STALLED)
        assert status.seen_seconds < ALIVE_SECONDS
        assert _in_state(State.QUEUED, waiting)


def test_photos_are_captioned_once_the_broker_is_back(
    transactional_db: None, tiny_bundle: Path, tmp_path: Path, user, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Broker() as broker:
        broker_use(broker, monkeypatch)
        with WorkerProcess(tmp_path / "worker.log", tiny_bundle) as worker:
            worker.ready()
            broker.kill()
            photo = photo_store(user, picture(1))
            assert not jobs.caption_photos_enqueue([photo.job.pk], queue=jobs.INTERACTIVE)
            broker.start()
            wait_until(lambda: _in_state(State.DONE, photo), seconds=60, what="captioning")


def test_worker_that_holds_messages_outlives_the_brokers_death(
    transactional_db: None, tiny_bundle: Path, tmp_path: Path, user, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_hand, photo = photo_store(user, picture(1)), photo_store(user, picture(2))
    _endless(in_hand)
    with Broker() as broker:
        broker_use(broker, monkeypatch)
        with WorkerProcess(tmp_path / "worker.log", tiny_bundle, FOVEA_DECODE_PROCESSES="2") as worker:
            worker.ready()
            _enqueue(in_hand)
            wait_until(lambda: _in_state(State.RUNNING, in_hand), what="the lease")
            broker.kill()
            broker.start()
            _enqueue(photo)
            wait_until(lambda: _in_state(State.DONE, photo), seconds=30, what="captioning")
            assert worker.running.poll() is None


def test_worker_without_a_bundle_ends_with_status_3_and_says_why_on_the_site(
    broker: Broker, transactional_db: None, tmp_path: Path
) -> None:
    missing = tmp_path / "nowhere"
    with WorkerProcess(tmp_path / "worker.log", missing) as worker:
        assert worker.running.wait(120) == 3
        assert str(missing) in worker.log
    progress = worker_progress()
    assert not progress.ok
    assert str(missing) in progress.message
