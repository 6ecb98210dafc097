"""Heartbeats, and what the site concludes from them."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now

from tests.photos import photo_store
from webapp.captioning.models import CaptionJob, ModelVersion, WorkerHeartbeat
from webapp.captioning.selectors.workers import Progress, WorkerState, worker_progress, workers_alive, workers_told
from webapp.captioning.services.heartbeats import heartbeat_record, heartbeat_remove, heartbeat_start, heartbeats_forget
from webapp.photos.models import Photo

pytestmark = pytest.mark.django_db


@pytest.fixture
def model_version() -> ModelVersion:
    return ModelVersion.objects.create(version="f" * 64, name="default", path="models/f")


def _beat(
    model_version: ModelVersion | None,
    *,
    name: str = "host:1",
    error: str = "",
    started: float | None = None,
    finished: float | None = None,
    seen: float = 0,
) -> None:
    """A worker that started, last finished a photo and was last seen so many seconds ago."""
    heartbeat_record(name=name, device="cpu", model_version_id=model_version.pk if model_version else None, error=error)
    for field, seconds in (("started_at", started), ("last_finish_at", finished), ("seen_at", seen)):
        if seconds is not None:
            WorkerHeartbeat.objects.filter(name=name).update(**{field: Now() - timedelta(seconds=seconds)})


def _age(seconds: float) -> None:
    WorkerHeartbeat.objects.update(seen_at=F("seen_at") - timedelta(seconds=seconds))


def _wait(user, *, seconds: float, content: bytes = b"waiting") -> Photo:
    """A photo that waits for so long."""
    photo = photo_store(user, content)
    CaptionJob.objects.filter(photo=photo).update(queued_at=Now() - timedelta(seconds=seconds))
    return photo


def _hold(user, worker: str, *, seconds: float) -> None:
    """A photo that is in a worker's hands for so long."""
    photo = photo_store(user, b"held", state="running")
    CaptionJob.objects.filter(photo=photo).update(worker=worker, started_at=Now() - timedelta(seconds=seconds))


def _states() -> dict[str, WorkerState]:
    return {worker.name: worker.state for worker in workers_told()[0]}


# --- What a worker says -----------------------------------------------------------------------------------------------


def test_worker_that_ended_as_told_is_forgotten(model_version: ModelVersion) -> None:
    _beat(model_version)
    heartbeat_remove(name="host:1")
    assert not workers_alive().exists()


def test_heartbeats_of_one_worker_share_a_row(model_version: ModelVersion) -> None:
    _beat(model_version)
    started = WorkerHeartbeat.objects.get().started_at
    heartbeat_record(name="host:1", device="cpu", model_version_id=model_version.pk, captions=3)
    row = WorkerHeartbeat.objects.get()
    assert (row.captions, row.started_at) == (3, started)


@pytest.mark.parametrize(
    ("captions", "failures", "captioned", "finished"),
    [(3, 2, False, False), (4, 2, True, True), (3, 3, False, True)],
    ids=["nothing new", "a caption", "a failure"],
)
def test_heartbeat_keeps_when_something_was_last_finished(
    model_version: ModelVersion, captions: int, failures: int, captioned: bool, finished: bool
) -> None:
    _beat(model_version)
    WorkerHeartbeat.objects.update(captions=3, failures=2)
    heartbeat_record(
        name="host:1", device="cpu", model_version_id=model_version.pk, captions=captions, failures=failures
    )
    row = WorkerHeartbeat.objects.get()
    assert (row.last_caption_at is not None, row.last_finish_at is not None) == (captioned, finished)


def test_heartbeats_of_the_long_dead_are_forgotten(model_version: ModelVersion) -> None:
    _beat(model_version, name="dead:1")
    _age(25 * 3600)
    _beat(model_version, name="alive:1")
    heartbeats_forget()
    assert list(WorkerHeartbeat.objects.values_list("name", flat=True)) == ["alive:1"]


# --- The state of one worker ------------------------------------------------------------------------------------------


def test_worker_with_nothing_to_do_is_idle_however_long(model_version: ModelVersion) -> None:
    _beat(model_version, started=3600, finished=1800)
    assert _states() == {"host:1": WorkerState.IDLE}


def test_worker_that_stopped_beating_is_gone(model_version: ModelVersion) -> None:
    _beat(model_version, seen=16)
    assert _states() == {"host:1": WorkerState.GONE}


@pytest.mark.parametrize(
    ("seen", "state"), [(-7200, WorkerState.GONE), (-10, WorkerState.IDLE)], ids=["hours", "seconds"]
)
def test_worker_that_was_seen_hours_from_now_is_gone(
    model_version: ModelVersion, seen: float, state: WorkerState
) -> None:
    """By a clock that was set back since; or by one that is a bit ahead."""
    _beat(model_version, seen=seen)
    assert _states() == {"host:1": state}
    assert workers_alive().exists() == (state is WorkerState.IDLE)


def test_worker_that_began_to_load_hours_from_now_is_gone() -> None:
    heartbeat_start(name="host:1", device="cpu")
    WorkerHeartbeat.objects.update(**dict.fromkeys(("started_at", "seen_at"), Now() + timedelta(hours=2)))
    assert _states() == {"host:1": WorkerState.GONE}


def test_worker_of_a_clock_that_was_set_back_has_no_age_below_zero(model_version: ModelVersion) -> None:
    _beat(model_version, started=-3600, seen=-1800)
    WorkerHeartbeat.objects.update(last_caption_at=Now() + timedelta(hours=2))
    (worker,) = workers_told()[0]
    assert (worker.seen_seconds, worker.uptime_seconds, worker.last_caption_seconds) == (0, 0, 0)


@pytest.mark.parametrize("seen", [0, 3600], ids=["beats", "ended"])
def test_worker_without_a_model_is_in_error_with_its_reason(seen: float) -> None:
    _beat(None, error="vocab.json is missing", seen=seen)
    worker = workers_told()[0][0]
    assert (worker.state, worker.message) == (WorkerState.ERROR, "vocab.json is missing")


def test_worker_that_kept_its_former_model_works_and_says_why(model_version: ModelVersion) -> None:
    _beat(model_version, error="the active model does not load")
    worker = workers_told()[0][0]
    assert (worker.state, worker.message) == (WorkerState.IDLE, "the active model does not load")


@pytest.mark.parametrize(
    ("waits", "started", "finished", "expected"),
    [
        (90, 3600, None, WorkerState.STALLED),
        (90, 3600, 120, WorkerState.STALLED),
        (90, 3600, 10, WorkerState.OK),
        (90, 30, None, WorkerState.OK),
        (10, 3600, 120, WorkerState.OK),
    ],
    ids=["finished nothing", "finished long ago", "finished lately", "started lately", "nothing waits long"],
)
def test_worker_stalls_when_photos_wait_and_it_finishes_nothing(
    user, model_version: ModelVersion, waits: float, started: float, finished: float | None, expected: WorkerState
) -> None:
    _beat(model_version, started=started, finished=finished)
    _wait(user, seconds=waits)
    assert _states() == {"host:1": expected}


@pytest.mark.parametrize(("seconds", "expected"), [(90, WorkerState.STALLED), (30, WorkerState.OK)])
def test_worker_stalls_when_it_keeps_a_photo_in_hand(
    user, model_version: ModelVersion, seconds: float, expected: WorkerState
) -> None:
    _beat(model_version, started=3600, finished=3600)
    _hold(user, "host:1", seconds=seconds)
    assert _states() == {"host:1": expected}


def test_worker_is_idle_whatever_another_has_in_hand(user, model_version: ModelVersion) -> None:
    _beat(model_version, name="busy:1", started=3600, finished=5)
    _beat(model_version, name="free:2", started=3600, finished=3600)
    _hold(user, "busy:1", seconds=90)
    assert _states() == {"busy:1": WorkerState.OK, "free:2": WorkerState.IDLE}


# --- What the workers amount to ---------------------------------------------------------------------------------------


def test_no_worker_is_running_where_none_ever_beat() -> None:
    assert worker_progress().progress is Progress.NO_WORKER


def test_worker_that_beats_makes_progress(model_version: ModelVersion) -> None:
    _beat(model_version)
    assert worker_progress().ok


def test_worker_that_stopped_beating_is_not_running(model_version: ModelVersion) -> None:
    _beat(model_version, seen=16)
    assert worker_progress().progress is Progress.NO_WORKER


def test_worker_that_was_seen_hours_from_now_is_not_running(model_version: ModelVersion) -> None:
    _beat(model_version, started=-7000, seen=-7200)
    assert worker_progress().progress is Progress.NO_WORKER


def test_worker_that_could_not_load_its_model_tells_why() -> None:
    _beat(None, error="/models/default/vocab.json is missing")
    progress = worker_progress()
    assert progress.progress is Progress.NO_WORKER
    assert "vocab.json is missing" in progress.message


def test_worker_that_loads_its_model_is_starting() -> None:
    heartbeat_start(name="host:1", device="cpu")
    progress = worker_progress()
    assert _states() == {"host:1": WorkerState.STARTING}
    assert (progress.progress, progress.stopped) == (Progress.STARTING, True)
    assert progress.message.startswith("A worker is starting")


def test_worker_that_starts_beside_one_that_works_changes_nothing(model_version: ModelVersion) -> None:
    _beat(model_version, name="host:1")
    heartbeat_start(name="host:2", device="cpu")
    assert worker_progress().ok


def test_worker_that_loads_for_minutes_is_gone() -> None:
    heartbeat_start(name="host:1", device="cpu")
    WorkerHeartbeat.objects.update(**dict.fromkeys(("started_at", "seen_at"), Now() - timedelta(seconds=121)))
    assert _states() == {"host:1": WorkerState.GONE}
    assert worker_progress().progress is Progress.NO_WORKER


def test_worker_that_starts_is_not_its_predecessor_of_the_same_name(model_version: ModelVersion) -> None:
    _beat(model_version, error="the active model does not load", started=3600)
    heartbeat_start(name="host:1", device="cpu")
    assert _states() == {"host:1": WorkerState.STARTING}


def test_worker_that_could_not_swap_still_runs(model_version: ModelVersion) -> None:
    _beat(model_version, error="the active model does not load")
    assert worker_progress().ok


def test_progress_ends_when_the_only_worker_stalls(user, model_version: ModelVersion) -> None:
    _beat(model_version, started=3600)
    _wait(user, seconds=90)
    progress = worker_progress()
    assert (progress.progress, progress.stopped) == (Progress.STALLED, True)


def test_progress_is_degraded_and_names_the_worker_where_one_of_two_stalls(user, model_version: ModelVersion) -> None:
    _beat(model_version, name="busy:1", started=3600, finished=5)
    _beat(model_version, name="stuck:2", started=3600, finished=3600)
    _wait(user, seconds=90)
    progress = worker_progress()
    assert (progress.progress, progress.ok, progress.stopped) == (Progress.DEGRADED, False, False)
    assert "stuck:2" in progress.message
    assert "busy:1" not in progress.message


def test_worker_that_was_killed_does_not_spoil_what_another_does(user, model_version: ModelVersion) -> None:
    _beat(model_version, name="dead:1", started=3600, finished=500, seen=400)
    _beat(model_version, name="busy:2", started=300, finished=5)
    _wait(user, seconds=90)
    assert worker_progress().ok


def test_workers_that_die_and_restart_before_they_finish_anything_are_no_progress(
    user, model_version: ModelVersion
) -> None:
    for number in range(4):
        _beat(model_version, name=f"host:{number}", started=80 - 20 * number, seen=60 - 20 * number)
    _wait(user, seconds=90)
    assert worker_progress().progress is Progress.STALLED


def test_workers_that_finish_nothing_are_no_progress_whatever_a_dead_one_finished_hours_from_now(
    user, model_version: ModelVersion
) -> None:
    _beat(model_version, name="dead:1", started=-7000, finished=-7200, seen=-7200)
    for number in range(4):
        _beat(model_version, name=f"host:{number}", started=80 - 20 * number, seen=60 - 20 * number)
    _wait(user, seconds=90)
    assert worker_progress().progress is Progress.STALLED


def test_worker_that_finds_a_backlog_at_its_start_gets_its_time(user, model_version: ModelVersion) -> None:
    _beat(model_version, name="dead:1", started=9000, finished=8000, seen=8000)
    _beat(model_version, name="new:2", started=5)
    _wait(user, seconds=7000)
    assert worker_progress().ok
