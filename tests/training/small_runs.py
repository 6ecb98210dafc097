"""Small runs: photos of one colour each, an encoder that sees 64 pixels, a narrow decoder."""

from dataclasses import replace
from pathlib import Path

from tests.training.datasets import dataset_write
from training.options.training_options import TrainingOptions
from training.run.early_stopping import RunStopped, StopRequest
from training.run.prepared_run import PreparedRun
from training.run_folder.data_sources import DataSources
from training.run_folder.folder import RunFolder

OPTIONS = TrainingOptions(
    encoder="efficientnet_lite0",
    size=64,
    embedding=24,
    hidden=24,
    annotation=24,
    attention=8,
    dropout=0.1,
    threshold=1,
    batch_photos=2,
    views=2,
    finetune_views=2,
    decoder_epochs=2,
    decoder_rate=0.01,
    warmup_epochs=0.0,
    averaging=0.5,
    precision="float32",
    max_words=10,
)
ALL_STAGES = replace(
    OPTIONS,
    finetune_epochs=2,
    finetune_stages=2,
    scst_epochs=1,
    scst_samples=2,
    finetune_encoder_rate=1e-3,
    scst_encoder_rate=1e-3,
    scst_rate=1e-3,
)


def sources(folder: Path, *, copies: int = 1) -> DataSources:
    """Photos to train on, and as many others, of the same colours, to validate on."""
    train = dataset_write(folder / "train", copies=copies)
    val = dataset_write(folder / "val", prefix="val-", size=(50, 50))
    return DataSources((train,), (val,), (folder / "train" / "images", folder / "val" / "images"))


class StopAfter(StopRequest):
    """Asks to stop at the `checks`-th check."""

    def __init__(self, checks: int) -> None:
        super().__init__()
        self.left = checks

    def check(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise RunStopped("the test")


def prepared(
    folder: Path,
    found: DataSources,
    *,
    options: TrainingOptions = OPTIONS,
    stop: StopRequest | None = None,
    lines: list[str] | None = None,
) -> PreparedRun:
    said = [] if lines is None else lines
    return PreparedRun(
        RunFolder(folder),
        options=options,
        sources=replace(found, features=folder.parent / "features"),
        device="cpu",
        stop=stop or StopRequest(),
        report=said.append,
    )
