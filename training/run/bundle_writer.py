"""What a run leaves at its end: the bundle of its best epoch, and the page of what that looks at."""

from __future__ import annotations

from captioner.bundle import bundle_describe, bundle_save, weights_round
from captioner.config import BundleConfig
from captioner.inference import Captioner
from training.atomic_files import file_write
from training.data.dataset import photos_sample
from training.errors import FileError, RunFailed
from training.pages.attention_page import PHOTOS, attention_page
from training.run.epoch_loop import EpochLoop
from training.run.model_card import card_text, validation_metrics
from training.run.prepared_run import PreparedRun
from training.run.run_failure import run_failure
from training.run_folder.folder import RunFolder
from training.scoring.blind_captions import blind_score


def bundle_write(loop: EpochLoop) -> str:
    """The best weights of the run as a bundle in the run folder. Returns its version."""
    run = loop.prepared
    initial, options, records = run.initial, run.options, loop.records
    best = loop.best_record()
    stages = {stage.name: stage for stage in run.stages}
    model = run.model(stages[best.stage])
    model.load_state_dict(loop.best.weights)
    model.decoder.sharpen(options.sharpness)
    # How many of the encoder's last stages learnt until then.
    tuned = max(stages[record.stage].learning(record.epoch) for record in records[: loop.best.index + 1])
    carried = tuned > 0 or initial.encoder_config.weights.carried
    for part in (model.decoder, model.encoder) if carried else (model.decoder,):
        weights_round(part)  # as the bundle keeps them, so that the scores are those of the bundle
    validated = run.validation(stages[best.stage]).judge(model)
    metrics = {
        **validation_metrics(
            run.validation_photos, validated.captions, focus=validated.focus, scorer=run.scorer, beam=options.beam
        ),
        "blind": blind_score(run.texts, run.validation_photos, scorer=run.scorer).to_dict(),
        "training": {
            "options": options.to_dict(),
            "start_from": run.fingerprint.start_from,
            "teachers": list(run.fingerprint.teachers or ()),
            "best": {"stage": best.stage, "epoch": best.epoch},
            "epochs": [record.to_dict() for record in records],
        },
    }
    if failure := run_failure(metrics, photos=len(run.train), concerns=run.concerns, records=records):
        metrics["failed"] = failure
    stage_names = model.encoder.stage_names
    try:
        return bundle_save(
            run.folder.bundle,
            decoder=model.decoder,
            encoder=model.encoder if carried else None,
            config=BundleConfig(
                initial.encoder_config, options.decoder_config(), initial.preprocessing, options.decoding()
            ),
            vocabulary=run.vocabulary,
            metrics=metrics,
            card=card_text(
                name=run.folder.path.name,
                encoder=initial.encoder_config,
                tuned=stage_names[len(stage_names) - tuned :],
                decoder=options.decoder_config(),
                options=options,
                photos=(len(run.train), len(run.validation_photos)),
                words=len(run.vocabulary),
                metrics=metrics,
                notes=run.notes,
            ),
        )
    except OSError as error:
        raise FileError(
            f"{run.folder.bundle} could not be written ({error.strerror or error}). Make room on that disk, or "
            "make the folder yours to write."
        ) from error


def attention_write(run: PreparedRun) -> None:
    """A page of what the finished bundle looks at, in the run folder."""
    shown = [photo.path for photo in photos_sample(run.validation_photos, limit=PHOTOS)]
    file_write(run.folder.attention, attention_page(Captioner.load(run.folder.bundle), shown))


def bundle_version(folder: RunFolder) -> str:
    """The version of the run's bundle. Raises RunFailed where the bundle says that its run failed."""
    described = bundle_describe(folder.bundle)
    if failure := described["metrics"].get("failed"):
        raise RunFailed(
            f"The run in {folder.path} failed. {failure} {folder.bundle} is only there to look at: register_model "
            "refuses it."
        )
    version: str = described["version"]
    return version
