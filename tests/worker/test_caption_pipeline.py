"""From leased rows to captions, with the real model, child processes and database."""

import os
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F

from captioner.inference import CaptionResult, Word
from captioner.objects.object_evidence import SeenObject
from captioner.preprocessing import photo_pixels
from tests.brokers import wait_until
from tests.photos import photo_store, picture
from tests.pictures import picture as colours
from tests.worker.harmful_sandbox import HarmfulSandbox, caption_all
from webapp.captioning.models import Caption, CaptionJob, ModelVersion
from webapp.captioning.services import leases
from webapp.photos.models import Photo
from webapp.processes.sandbox import Sandbox
from worker.caption_pipeline import photos_caption
from worker.running_worker import RunningWorker

State = CaptionJob.State


def test_photo_gets_its_caption(running_worker: RunningWorker, user, model_version: ModelVersion) -> None:
    photo = photo_store(user, picture(1))
    caption_all(running_worker, photo)
    caption = Caption.objects.get(photo=photo)
    assert photo.job.state == State.DONE
    assert caption.text
    assert 0 < caption.confidence <= 1
    assert caption.model_version == model_version
    assert [word["text"] for word in caption.words]
    assert caption.alternatives
    assert min(caption.decode_ms, caption.wait_ms, caption.model_ms) >= 0


def test_photo_gets_the_words_that_the_captioner_alone_would_write(running_worker: RunningWorker, user) -> None:
    photos = [photo_store(user, picture(seed)) for seed in range(5)]
    caption_all(running_worker, *photos)
    captioner = running_worker.model.captioner
    for photo in photos:
        pixels = photo_pixels(settings.MEDIA_ROOT / photo.original, preprocessing=captioner.preprocessing)
        assert photo.captions.get().text == captioner.caption_batch([pixels])[0].text


def test_caption_keeps_one_attention_map_for_each_word(running_worker: RunningWorker, user) -> None:
    photo = photo_store(user, picture(1))
    caption_all(running_worker, photo)
    caption = photo.captions.get()
    words, height, width = caption.attention_shape
    assert words == len(caption.words)
    assert len(caption.attention) == words * height * width


def test_caption_keeps_the_objects_and_the_words_that_the_classifier_chose(
    running_worker: RunningWorker, user, monkeypatch: pytest.MonkeyPatch
) -> None:
    captioner = running_worker.model.captioner
    whole = captioner.caption_batch

    def caption_batch(images: list[np.ndarray], **options: Any) -> list[CaptionResult]:
        return [_with_a_cat(result) for result in whole(images, **options)]

    monkeypatch.setattr(captioner, "caption_batch", caption_batch)
    photo = photo_store(user, picture(1))
    caption_all(running_worker, photo)
    caption = photo.captions.get()
    assert caption.seen_objects == [{"word": "cat", "probability": 0.75}, {"word": "table", "probability": 0.25}]
    first, *others = caption.words
    assert first == {"text": "cat", "log_probability": -2.0, "seen": 0.75}
    assert all(word.keys() == {"text", "log_probability"} for word in others)
    photo.refresh_from_db()
    assert photo.search_objects == "cat"


def _with_a_cat(result: CaptionResult) -> CaptionResult:
    words = (Word("cat", -2.0, seen=0.75), *result.words[1:])
    return replace(result, words=words, objects=(SeenObject("cat", 0.75), SeenObject("table", 0.25)))


def test_caption_of_a_captioner_without_a_classifier_has_no_objects(running_worker: RunningWorker, user) -> None:
    photo = photo_store(user, picture(1))
    caption_all(running_worker, photo)
    assert photo.captions.get().seen_objects == []


def test_broken_file_fails_alone_with_its_reason(running_worker: RunningWorker, user) -> None:
    good, truncated, text = (
        photo_store(user, content) for content in (picture(1), picture(2)[:500], b"no image at all")
    )
    caption_all(running_worker, good, truncated, text)
    assert good.job.state == State.DONE
    assert (truncated.job.state, truncated.job.error_code) == (State.FAILED, "truncated")
    assert (text.job.state, text.job.error_code) == (State.FAILED, "not_an_image")
    assert text.job.error_message


def test_missing_file_fails_with_its_reason(running_worker: RunningWorker, user) -> None:
    photo = photo_store(user, picture(1))
    (settings.MEDIA_ROOT / photo.original).unlink()
    caption_all(running_worker, photo)
    assert photo.job.state == State.FAILED
    assert photo.job.error_message


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ((os.abort,), "ended its process (SIGABRT)"),
        ((time.sleep, 60), "took longer than 0.5 s"),
        ((bytearray, 2**31), "needed more memory"),
    ],
    ids=["crashes", "hangs", "bloats"],
)
def test_harmful_file_is_tried_twice_then_quarantined(
    running_worker: RunningWorker, user, call: tuple[Any, ...], reason: str
) -> None:
    photo = photo_store(user, picture(1))
    harmful = HarmfulSandbox(*call)
    running_worker.photo_sandbox = harmful  # type: ignore[assignment]
    caption_all(running_worker, photo)
    assert (photo.job.state, photo.job.harm_count) == (State.QUEUED, 1)
    caption_all(running_worker, photo)
    assert photo.job.state == State.QUARANTINED
    assert reason in photo.job.error_message
    harmful._sandbox.close()


def test_photo_whose_reading_fails_in_an_unforeseen_way_fails_with_what_is_known(
    running_worker: RunningWorker, user
) -> None:
    photo = photo_store(user, picture(1))
    running_worker.photo_sandbox = HarmfulSandbox(divmod, 1, 0)  # type: ignore[assignment]
    caption_all(running_worker, photo)
    assert (photo.job.state, photo.job.error_code) == (State.FAILED, "unreadable")
    assert "division" in photo.job.error_message


def test_lease_of_a_photo_without_a_result_in_time_runs_out(
    running_worker: RunningWorker, user, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = photo_store(user, picture(1))
    monkeypatch.setattr("worker.caption_pipeline.RESULT_SECONDS", 0.0)
    monkeypatch.setattr(running_worker.batcher, "_max_wait", 0.5)
    caption_all(running_worker, photo)
    assert (photo.job.state, photo.job.lease_count) == (State.RUNNING, 1)  # counted, or it would be tried for ever
    assert len(running_worker.held) == 0


def test_photo_that_no_longer_waits_is_left_alone(running_worker: RunningWorker, user) -> None:
    photo = photo_store(user, picture(1), state=State.CANCELLED)
    caption_all(running_worker, photo)
    assert photo.job.state == State.CANCELLED
    assert not Caption.objects.exists()


def test_photo_captioned_at_the_same_moment_by_two_tasks_is_captioned_once(running_worker: RunningWorker, user) -> None:
    photo = photo_store(user, picture(1))
    threads = [threading.Thread(target=_task, args=[running_worker, photo]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    photo.job.refresh_from_db()
    assert (photo.job.state, photo.job.token) == (State.DONE, 1)
    assert Caption.objects.count() == 1


def _task(running_worker: RunningWorker, photo: Photo) -> None:
    photos_caption(running_worker, job_ids=[photo.job.pk])
    connection.close()


def test_photo_that_the_model_fails_on_fails_alone(
    running_worker: RunningWorker, user, monkeypatch: pytest.MonkeyPatch, deaths: list[str]
) -> None:
    photos = [photo_store(user, picture(seed)) for seed in range(3)]
    captioner = running_worker.model.captioner
    poison = photo_pixels(settings.MEDIA_ROOT / photos[1].original, preprocessing=captioner.preprocessing)
    whole = captioner.caption_batch

    def caption_batch(images: list[np.ndarray], **options: Any) -> Any:
        if any((image == poison).all() for image in images):
            raise RuntimeError("nan")
        return whole(images, **options)

    monkeypatch.setattr(captioner, "caption_batch", caption_batch)
    caption_all(running_worker, *photos)
    assert [photo.job.state for photo in photos] == [State.DONE, State.FAILED, State.DONE]
    assert photos[1].job.error_code == "model_error"
    assert deaths == []


def test_stopping_worker_gives_back_what_it_has_not_started(running_worker: RunningWorker, user) -> None:
    photo = photo_store(user, picture(1))
    running_worker.stopping.set()
    caption_all(running_worker, photo)
    assert (photo.job.state, photo.job.lease_count) == (State.QUEUED, 0)


def test_photo_that_does_not_fit_into_its_childs_memory_is_quarantined(running_worker: RunningWorker, user) -> None:
    photo = photo_store(user, colours(mode="RGBA", size=(6000, 6000), kind="PNG"))  # 144 MB, and as much on white
    sandbox = running_worker.photo_sandbox._sandbox
    running_worker.photo_sandbox._sandbox = Sandbox(processes=1, timeout=20, memory_mb=500)
    caption_all(running_worker, photo)
    assert (photo.job.state, photo.job.harm_count) == (State.QUEUED, 1)
    caption_all(running_worker, photo)
    running_worker.photo_sandbox.close()
    running_worker.photo_sandbox._sandbox = sandbox
    assert photo.job.state == State.QUARANTINED
    assert "memory" in photo.job.error_message


def test_late_result_of_a_job_in_other_hands_is_dropped(
    running_worker: RunningWorker, user, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = photo_store(user, picture(1))
    taken_over = leases.jobs_lease

    def lease_and_lose(**values: Any) -> Any:
        taken = taken_over(**values)
        CaptionJob.objects.update(token=F("token") + 1, worker="another")
        return taken

    monkeypatch.setattr(leases, "jobs_lease", lease_and_lose)
    caption_all(running_worker, photo)
    assert not Caption.objects.exists()
    assert (photo.job.state, photo.job.worker) == (State.RUNNING, "another")


def test_leases_are_renewed_while_photos_are_in_hand(
    running_worker: RunningWorker, user, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = photo_store(user, picture(1))
    (lease,) = leases.jobs_lease(job_ids=[photo.job.pk], worker=running_worker.name)
    running_worker.held.add([lease])
    before = CaptionJob.objects.get()
    running_worker.held.renew()
    assert CaptionJob.objects.filter(lease_expires_at__gt=before.lease_expires_at).exists()


def test_lost_lease_is_not_worked_on(running_worker: RunningWorker, user) -> None:
    photo = photo_store(user, picture(1))
    (lease,) = leases.jobs_lease(job_ids=[photo.job.pk], worker=running_worker.name)
    running_worker.held.add([lease])
    CaptionJob.objects.update(token=F("token") + 1)
    running_worker.held.renew()
    assert lease not in running_worker.held


def test_held_leases_are_released_at_the_end(running_worker: RunningWorker, user) -> None:
    photo = photo_store(user, picture(1))
    running_worker.held.add(leases.jobs_lease(job_ids=[photo.job.pk], worker=running_worker.name))
    running_worker.held.release()
    photo.job.refresh_from_db()
    assert photo.job.state == State.QUEUED


def test_heartbeat_counts_captions_and_failures(running_worker: RunningWorker, user) -> None:
    from webapp.captioning.models import WorkerHeartbeat

    caption_all(running_worker, photo_store(user, picture(1)), photo_store(user, b"broken"))
    running_worker.heartbeat()
    heartbeat = WorkerHeartbeat.objects.get()
    assert (heartbeat.captions, heartbeat.failures) == (1, 1)
    assert heartbeat.last_caption_at is not None


def test_closed_worker_leaves_no_heartbeat(running_worker: RunningWorker) -> None:
    from webapp.captioning.models import WorkerHeartbeat

    assert WorkerHeartbeat.objects.count() == 1
    running_worker.close()
    wait_until(lambda: not WorkerHeartbeat.objects.exists(), what="the heartbeat's removal")
