"""A candidate model is tried in a child process, then verified or rejected."""

import subprocess
import sys
from pathlib import Path

import pytest

from captioner.errors import BundleCorrupt
from tests.bundles import CAPTIONS, bundle_make
from tests.worker import child_functions
from tests.worker.conftest import model_version_make
from webapp.captioning.models import ModelVersion
from worker import model_verification
from worker.child_processes.bundle_trial import ModelUnfit, bundle_verify
from worker.model_registration import bundle_register
from worker.model_verification import model_verify

State = ModelVersion.State


@pytest.fixture(scope="session")
def blind_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle_make(tmp_path_factory.mktemp("bundles") / "blind", captions=dict.fromkeys(CAPTIONS, "A dog."))


def test_verification_passes_a_model_that_tells_pictures_apart(tiny_bundle: Path) -> None:
    bundle_verify(tiny_bundle)


def test_verification_refuses_one_caption_for_all_pictures(blind_bundle: Path) -> None:
    with pytest.raises(ModelUnfit, match="distinct pictures"):
        bundle_verify(blind_bundle)


def test_verification_refuses_a_damaged_file(own_bundle: Path) -> None:
    (own_bundle / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(BundleCorrupt, match=r"model\.safetensors"):
        bundle_verify(own_bundle)


@pytest.mark.slow
def test_candidate_is_verified_in_a_child_process(db: None, models_dir: Path, tiny_bundle: Path) -> None:
    row = bundle_register(tiny_bundle)
    model_verify(model_version_id=row.pk)
    row.refresh_from_db()
    assert (row.state, row.error) == (State.VERIFIED, "")


@pytest.mark.slow
def test_candidate_that_is_blind_is_rejected_with_the_reason(db: None, models_dir: Path, blind_bundle: Path) -> None:
    row = bundle_register(blind_bundle)
    model_verify(model_version_id=row.pk)
    row.refresh_from_db()
    assert row.state == State.REJECTED
    assert "distinct pictures" in row.error


def test_candidate_whose_file_was_damaged_is_rejected_with_the_file_named(
    db: None, models_dir: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = bundle_register(tiny_bundle)
    (Path(row.path) / "vocab.json").unlink()
    monkeypatch.setattr(
        model_verification, "bundle_verify", child_functions.validated
    )  # the same check, in a child without torch
    model_verify(model_version_id=row.pk)
    row.refresh_from_db()
    assert row.state == State.REJECTED
    assert "vocab.json" in row.error


def test_candidate_that_crashes_its_process_is_rejected(
    db: None, models_dir: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = bundle_register(tiny_bundle)
    monkeypatch.setattr(model_verification, "bundle_verify", child_functions.crashed)
    model_verify(model_version_id=row.pk)
    row.refresh_from_db()
    assert row.state == State.REJECTED
    assert "SIGABRT" in row.error


def test_verification_leaves_others_than_candidates_alone(db: None, models_dir: Path, tiny_bundle: Path) -> None:
    row = model_version_make(tiny_bundle)
    model_verify(model_version_id=row.pk)
    row.refresh_from_db()
    assert row.state == State.ACTIVE


def test_verification_runs_one_at_a_time(db: None, models_dir: Path, tiny_bundle: Path) -> None:
    row = bundle_register(tiny_bundle)
    with model_verification._one_at_a_time:
        model_verify(model_version_id=row.pk)
    row.refresh_from_db()
    assert row.state == State.CANDIDATE


@pytest.mark.parametrize("module", ["worker.child_processes.bundle_trial", "captioner.preprocessing"])
def test_what_a_child_process_imports_is_light(module: str) -> None:
    code = f"import sys, {module}; sys.exit(bool({{'django', 'torch', 'celery'}} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
