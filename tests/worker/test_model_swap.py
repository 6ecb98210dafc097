"""A running worker swaps to the active model version, or keeps its own."""

from pathlib import Path

from tests.worker.conftest import model_version_make
from webapp.captioning.models import ModelVersion, WorkerHeartbeat
from webapp.captioning.selectors.workers import worker_progress
from webapp.captioning.services import model_versions
from worker.running_worker import RunningWorker

State = ModelVersion.State


def test_worker_swaps_to_the_active_model(running_worker: RunningWorker, other_bundle: Path) -> None:
    former = running_worker.model
    active = model_version_make(other_bundle)
    running_worker.model_follow()
    assert running_worker.model.model_version_id == active.pk
    assert running_worker.model.captioner.version == active.version
    assert former.captioner.version != active.version
    assert WorkerHeartbeat.objects.get().model_version == active


def test_worker_keeps_its_model_when_the_active_one_does_not_load(
    running_worker: RunningWorker, own_bundle: Path
) -> None:
    (own_bundle / "MODEL_CARD.md").write_text("other", encoding="utf-8")
    former = running_worker.model
    broken = ModelVersion.objects.create(version="0" * 64, name="broken", path=str(own_bundle), state=State.VERIFIED)
    model_versions.model_version_activate(model_version_id=broken.pk)
    running_worker.model_follow()
    assert running_worker.model is former
    assert "MODEL_CARD.md" in WorkerHeartbeat.objects.get().error
    assert worker_progress().ok


def test_worker_without_an_active_model_keeps_its_own(running_worker: RunningWorker) -> None:
    former = running_worker.model
    ModelVersion.objects.update(state=State.RETIRED)
    running_worker.model_follow()
    assert running_worker.model is former
