"""From a bundle on disk to a model version: registered, verified, loaded, swapped."""

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from captioner.bundle import bundle_validate
from captioner.errors import BundleCorrupt, BundleError, BundleMissing
from captioner.inference import Captioner
from tests.brokers import Broker
from tests.bundles import CAPTIONS, bundle_make
from tests.disks import full_disk
from tests.worker import children
from tests.worker.conftest import model_version_make
from webapp import jobs
from webapp.captioning.models import ModelVersion, WorkerHeartbeat
from webapp.captioning.selectors.workers import worker_progress
from webapp.captioning.services import model_versions
from worker import __main__ as main
from worker import verification
from worker.engine import Engine
from worker.probing import ModelUnfit, bundle_verify
from worker.registration import _bundle_copy, bundle_register
from worker.runtime import Runtime
from worker.verification import model_verify

State = ModelVersion.State


@pytest.fixture
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one: model versions of other tests lie elsewhere."""
    monkeypatch.setattr(settings, "MODELS_DIR", tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def own_bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """One that the test may damage."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "own"))


@pytest.fixture(scope="session")
def other_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle_make(tmp_path_factory.mktemp("bundles") / "other", seed=1)


@pytest.fixture(scope="session")
def blind_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle_make(tmp_path_factory.mktemp("bundles") / "blind", captions=dict.fromkeys(CAPTIONS, "A dog."))


# --- Registering ------------------------------------------------------------------------------------------------------


def test_registration_copies_the_bundle_and_describes_it(db: None, models_dir: Path, tiny_bundle: Path) -> None:
    row = bundle_register(tiny_bundle, name="first")
    assert (row.name, row.state) == ("first", State.CANDIDATE)
    assert row.folder == models_dir / row.version[:12]
    assert "dog" in row.vocabulary
    assert row.config["encoder"]["name"] == "efficientnet_lite0"
    assert row.card.startswith("# A bundle")
    assert Captioner.load(row.folder).version == row.version


def test_registration_twice_keeps_one_row(db: None, models_dir: Path, tiny_bundle: Path) -> None:
    assert bundle_register(tiny_bundle).pk == bundle_register(tiny_bundle, name="again").pk
    assert ModelVersion.objects.get().name == "again"
    assert len(list(models_dir.iterdir())) == 1


def test_registration_mends_a_damaged_copy(db: None, models_dir: Path, tiny_bundle: Path) -> None:
    copy = Path(bundle_register(tiny_bundle).path)
    (copy / "model.safetensors").write_bytes(b"damaged")
    bundle_register(tiny_bundle)
    assert Captioner.load(copy).version == ModelVersion.objects.get().version


def test_registration_by_several_workers_at_once_keeps_one_whole_copy(models_dir: Path, tiny_bundle: Path) -> None:
    copy = models_dir / "copy"
    threads = [threading.Thread(target=_bundle_copy, args=[tiny_bundle, copy]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(models_dir.iterdir()) == [copy]
    assert bundle_validate(copy)


@pytest.mark.parametrize(("name", "error"), [("vocab.json", BundleCorrupt), ("nothing", BundleMissing)])
def test_registration_of_a_bad_bundle_leaves_nothing(
    db: None, models_dir: Path, own_bundle: Path, name: str, error: type[BundleError]
) -> None:
    (own_bundle / "vocab.json").write_text("{}", encoding="utf-8")
    with pytest.raises(error):
        bundle_register(own_bundle if name == "vocab.json" else own_bundle / name)
    assert not ModelVersion.objects.exists()
    assert not models_dir.exists()


# --- Verifying --------------------------------------------------------------------------------------------------------


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
    monkeypatch.setattr(verification, "bundle_verify", children.validated)  # the same check, in a child without torch
    model_verify(model_version_id=row.pk)
    row.refresh_from_db()
    assert row.state == State.REJECTED
    assert "vocab.json" in row.error


def test_candidate_that_crashes_its_process_is_rejected(
    db: None, models_dir: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = bundle_register(tiny_bundle)
    monkeypatch.setattr(verification, "bundle_verify", children.crashed)
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
    with verification._one_at_a_time:
        model_verify(model_version_id=row.pk)
    row.refresh_from_db()
    assert row.state == State.CANDIDATE


@pytest.mark.parametrize("module", ["worker.probing", "captioner.preprocessing"])
def test_what_a_child_process_imports_is_light(module: str) -> None:
    code = f"import sys, {module}; sys.exit(bool({{'django', 'torch', 'celery'}} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- Commands ---------------------------------------------------------------------------------------------------------


def test_register_model_asks_a_worker_to_verify(
    db: None, models_dir: Path, tiny_bundle: Path, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("register_model", str(tiny_bundle), "--name", "mine")
    assert "mine" in capsys.readouterr().out
    assert broker.length(jobs.INTERACTIVE) == 1


def test_register_model_says_when_the_broker_is_away(
    db: None, models_dir: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_broker_rests_until", 0.0)
    call_command("register_model", str(tiny_bundle))
    assert "once the broker is back" in capsys.readouterr().out


def test_register_model_of_a_missing_bundle_names_the_folder(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nowhere"):
        call_command("register_model", str(tmp_path / "nowhere"))


def test_register_model_activates_what_it_verified(
    db: None, models_dir: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "bundle_verify", children.validated)
    call_command("register_model", str(tiny_bundle), "--activate")
    assert ModelVersion.objects.get().state == State.ACTIVE


def test_register_model_does_not_activate_what_it_rejects(
    db: None, models_dir: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "bundle_verify", children.crashed)
    with pytest.raises(CommandError, match="SIGABRT"):
        call_command("register_model", str(tiny_bundle), "--activate")
    assert ModelVersion.objects.get().state == State.REJECTED


def test_register_model_where_torch_is_missing_keeps_the_candidate(
    db: None, models_dir: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "bundle_verify", children.torch_lacking)
    with pytest.raises(CommandError, match=r"worker/requirements\.txt"):
        call_command("register_model", str(tiny_bundle), "--activate")
    assert ModelVersion.objects.get().state == State.CANDIDATE


# --- Starting ---------------------------------------------------------------------------------------------------------


def test_first_start_makes_the_default_bundle_the_active_one(
    db: None, models_dir: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "DEFAULT_BUNDLE", tiny_bundle)
    engine = Engine(device="cpu")
    main._model_load(engine)
    row = ModelVersion.objects.get()
    assert row.state == State.ACTIVE
    assert engine.current is not None
    assert engine.current.model_version_id == row.pk


def test_later_start_loads_the_active_one(
    db: None, models_dir: Path, other_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = model_version_make(other_bundle)
    engine = Engine(device="cpu")
    main._model_load(engine)
    assert engine.current is not None
    assert engine.current.captioner.version == active.version


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


# --- Swapping ---------------------------------------------------------------------------------------------------------


def test_worker_swaps_to_the_active_model(runtime: Runtime, other_bundle: Path) -> None:
    former = runtime.model
    active = model_version_make(other_bundle)
    runtime.model_follow()
    assert runtime.model.model_version_id == active.pk
    assert runtime.model.captioner.version == active.version
    assert former.captioner.version != active.version
    assert WorkerHeartbeat.objects.get().model_version == active


def test_worker_keeps_its_model_when_the_active_one_does_not_load(runtime: Runtime, own_bundle: Path) -> None:
    (own_bundle / "MODEL_CARD.md").write_text("other", encoding="utf-8")
    former = runtime.model
    broken = ModelVersion.objects.create(version="0" * 64, name="broken", path=str(own_bundle), state=State.VERIFIED)
    model_versions.model_version_activate(model_version_id=broken.pk)
    runtime.model_follow()
    assert runtime.model is former
    assert "MODEL_CARD.md" in WorkerHeartbeat.objects.get().error
    assert worker_progress().ok


def test_worker_without_an_active_model_keeps_its_own(runtime: Runtime) -> None:
    former = runtime.model
    ModelVersion.objects.update(state=State.RETIRED)
    runtime.model_follow()
    assert runtime.model is former


def test_register_model_on_a_full_disk_names_the_remedy_and_leaves_nothing(
    transactional_db: None, models_dir: Path, tiny_bundle: Path
) -> None:
    with full_disk(1000), pytest.raises(CommandError, match=r"could not be copied .* make room"):
        call_command("register_model", tiny_bundle)
    assert not list(models_dir.iterdir())
    assert not ModelVersion.objects.exists()


def test_worker_that_finds_no_room_for_its_first_bundle_is_started_again(
    transactional_db: None, models_dir: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "DEFAULT_BUNDLE", tiny_bundle)
    ModelVersion.objects.exists()  # the database is open: it would fail first
    with full_disk(1000):
        assert main.main() == main.Exit.FAILED
