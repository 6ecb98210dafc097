"""How a worker starts: the model that it loads, and its exit status where it cannot."""

import json
import shutil
from pathlib import Path

import pytest
from django.conf import settings

from tests.disks import full_disk
from tests.worker.conftest import model_version_make
from webapp.captioning.models import ModelVersion, WorkerHeartbeat
from webapp.captioning.selectors.workers import worker_progress
from worker import __main__ as main
from worker import worker_start
from worker.model_swap import ModelSlot
from worker.worker_stop import Exit

State = ModelVersion.State


def test_first_start_makes_the_default_bundle_the_active_one(
    db: None, models_dir: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "DEFAULT_BUNDLE", tiny_bundle)
    slot = ModelSlot(device="cpu")
    worker_start._model_load(slot)
    row = ModelVersion.objects.get()
    assert row.state == State.ACTIVE
    assert slot.current is not None
    assert slot.current.model_version_id == row.pk


def test_later_start_loads_the_active_one(
    db: None, models_dir: Path, other_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = model_version_make(other_bundle)
    slot = ModelSlot(device="cpu")
    worker_start._model_load(slot)
    assert slot.current is not None
    assert slot.current.captioner.version == active.version


def _incompatible(bundle: Path) -> None:
    path = bundle / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 99}), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (shutil.rmtree, "no model bundle at"),
        (lambda bundle: (bundle / "config.json").unlink(), "config.json"),
        (lambda bundle: (bundle / "model.safetensors").write_bytes(b"x"), "model.safetensors"),
        (_incompatible, "format_version 99"),
    ],
    ids=["missing", "incomplete", "corrupt", "incompatible"],
)
def test_worker_with_a_bad_bundle_ends_with_status_3_and_tells_the_site(
    db: None, models_dir: Path, own_bundle: Path, monkeypatch: pytest.MonkeyPatch, damage: object, named: str
) -> None:
    damage(own_bundle)  # type: ignore[operator]
    monkeypatch.setattr(settings, "DEFAULT_BUNDLE", own_bundle)
    assert main.main() == 3
    assert named in WorkerHeartbeat.objects.get().error
    assert named in worker_progress().message


def test_worker_whose_active_bundle_was_lost_ends_with_status_3(db: None, models_dir: Path, own_bundle: Path) -> None:
    model_version_make(own_bundle)
    shutil.rmtree(own_bundle)
    assert main.main() == 3


def test_worker_that_finds_no_room_for_its_first_bundle_is_started_again(
    transactional_db: None, models_dir: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "DEFAULT_BUNDLE", tiny_bundle)
    ModelVersion.objects.exists()  # the database is open: it would fail first
    with full_disk(1000):
        assert main.main() == Exit.FAILED
