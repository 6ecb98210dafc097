"""`manage.py register_model`, and how a bundle on disk becomes a model version."""

import threading
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from captioner.bundle import bundle_validate
from captioner.errors import BundleCorrupt, BundleError, BundleMissing
from captioner.inference import Captioner
from tests.brokers import Broker
from tests.disks import full_disk
from tests.worker import child_functions
from webapp import jobs
from webapp.captioning.models import ModelVersion
from worker import model_verification
from worker.model_registration import _bundle_copy, bundle_register

State = ModelVersion.State


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
    monkeypatch.setattr(model_verification, "bundle_verify", child_functions.validated)
    call_command("register_model", str(tiny_bundle), "--activate")
    assert ModelVersion.objects.get().state == State.ACTIVE


def test_register_model_does_not_activate_what_it_rejects(
    db: None, models_dir: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_verification, "bundle_verify", child_functions.crashed)
    with pytest.raises(CommandError, match="SIGABRT"):
        call_command("register_model", str(tiny_bundle), "--activate")
    assert ModelVersion.objects.get().state == State.REJECTED


def test_register_model_where_torch_is_missing_keeps_the_candidate(
    db: None, models_dir: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_verification, "bundle_verify", child_functions.torch_lacking)
    with pytest.raises(CommandError, match=r"worker/requirements\.txt"):
        call_command("register_model", str(tiny_bundle), "--activate")
    assert ModelVersion.objects.get().state == State.CANDIDATE


def test_register_model_on_a_full_disk_names_the_remedy_and_leaves_nothing(
    transactional_db: None, models_dir: Path, tiny_bundle: Path
) -> None:
    with full_disk(1000), pytest.raises(CommandError, match=r"could not be copied .* make room"):
        call_command("register_model", tiny_bundle)
    assert not list(models_dir.iterdir())
    assert not ModelVersion.objects.exists()
