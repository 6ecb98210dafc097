"""What a run keeps and shows: metrics.csv, curves.png, its settings, and a line for every epoch."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import io
import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from training.atomic_files import file_write
from training.errors import CheckpointError, FileError, TrainingError
from training.run_folder.learning_curves import curves_png


@dataclass(frozen=True)
class EpochRecord:
    """An epoch in numbers, of the validation photos where nothing else is said.

    stage, epoch, epochs: the epoch within its stage, from 1, and how many it has. train_loss, validation_loss: mean
    nats a token, the second without label smoothing. bleu_4, cider: x 100; comparable: by COCO's own scorer.
    distinct: different captions per photo. peak, distance: see scoring.attention_focus; None without attention.
    captions_per_second: of training. data_share: of that time, spent waiting for data, 0..1.
    rate, encoder_rate: learning rates at the end of the epoch.
    """

    stage: str
    epoch: int
    epochs: int
    seconds: float
    train_loss: float
    validation_loss: float
    bleu_4: float | None
    cider: float | None
    comparable: bool
    distinct: float
    peak: float | None
    distance: float | None
    captions_per_second: float
    data_share: float
    rate: float
    encoder_rate: float

    @property
    def key(self) -> tuple[str, int]:
        return self.stage, self.epoch

    @property
    def quality(self) -> tuple[float, float]:
        """What epochs are compared by: CIDEr, and where that is the same, a lower loss. No number is worse than any."""
        return _number(self.cider), _number(-self.validation_loss)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError for what is no record."""
        if unknown := data.keys() - {field.name for field in fields(cls)}:
            raise KeyError(", ".join(sorted(unknown)))
        return cls(**{field.name: _typed(data[field.name], str(field.type)) for field in fields(cls)})


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run. Every file in it is written as a whole or not at all, and TrainingError says what failed."""

    path: Path

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.pt"

    @property
    def features(self) -> Path:
        return self.path / "features"

    @property
    def bundle(self) -> Path:
        return self.path / "bundle"

    @property
    def settings(self) -> Path:
        return self.path / "options.json"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def curves(self) -> Path:
        return self.path / "curves.png"

    @property
    def attention(self) -> Path:
        return self.path / "attention.html"

    def begun(self) -> bool:
        """Whether a run was started here, even if some of it was cleared away."""
        return any(path.exists() for path in (self.settings, self.checkpoint, self.bundle))

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """While entered, no other process trains here. Makes the folder. Raises TrainingError where one does.

        The folder itself is locked: no file is left behind, and the kernel lets go however this process ends.
        """
        with contextlib.ExitStack() as closing:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
                closing.callback(os.close, handle)
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise TrainingError(
                    f"Another process trains in {self.path}. Wait until it has ended, or stop it; a new run can take "
                    "another --output."
                ) from error
            except OSError as error:
                raise FileError(
                    f"The run folder {self.path} cannot be made and locked ({error.strerror or error}). Make room "
                    "there, make it yours to write, or choose another --output."
                ) from error
            yield

    def settings_write(self, settings: dict[str, Any]) -> None:
        """Keeps what the run was started with; what JSON can hold."""
        file_write(self.settings, json.dumps(settings, indent=2) + "\n")

    def settings_read(self) -> dict[str, Any]:
        """Raises CheckpointError where no run was started, or the file is damaged."""
        try:
            settings = json.loads(self.settings.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            if self.begun():
                raise CheckpointError(
                    f"The run in {self.path} cannot go on without its {self.settings.name}, which is gone. Put it "
                    "back, or clear the folder and start again."
                ) from error
            raise CheckpointError(
                f"No run was started in {self.path}: it has no {self.settings.name}. Give the folder of a run, or "
                "start a new one without --resume."
            ) from error
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self.settings} cannot be read ({error}). Put it back, or start again.") from error
        if not isinstance(settings, dict):
            raise CheckpointError(f"{self.settings} holds no JSON object. Put it back, or start again.")
        return settings

    def records(self) -> list[EpochRecord]:
        """The epochs of metrics.csv, oldest first. Raises TrainingError for a file that is not ours."""
        try:
            with self.metrics.open(encoding="utf-8", newline="") as file:
                return [EpochRecord.from_dict(row) for row in csv.DictReader(file)]
        except FileNotFoundError:
            return []
        except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
            raise TrainingError(
                f"{self.metrics} is not the table of a run ({error!r}). Move it away: what is to come is written anew."
            ) from error

    def records_write(self, records: Sequence[EpochRecord]) -> None:
        """Makes these the rows of metrics.csv, as a run does that goes on from a checkpoint, which knows them all."""
        table = io.StringIO()
        writer = csv.DictWriter(table, [field.name for field in fields(EpochRecord)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(record.to_dict() for record in records)
        file_write(self.metrics, table.getvalue())

    def record_append(self, record: EpochRecord) -> None:
        """Adds a row to metrics.csv. The same epoch again takes the place of the former and of all after it."""
        known = self.records()
        keys = [other.key for other in known]
        self.records_write([*(known[: keys.index(record.key)] if record.key in keys else known), record])

    def curves_draw(self) -> None:
        """Draws curves.png of the rows of metrics.csv, if there are any."""
        if records := self.records():
            file_write(self.curves, curves_png(records))


def table_header() -> str:
    """The line above those of table_line."""
    return (
        f"{'stage':<13} {'epoch':>7} {'time':>8} {'train':>7} {'valid.':>7} {'BLEU-4':>7} {'CIDEr':>7} {'distinct':>9} "
        f"{'peak':>6} {'dist.':>6} {'captions/s':>11} {'data':>5}"
    )


def table_line(record: EpochRecord) -> str:
    """An epoch for the terminal, in the columns of table_header. A star: scores of the fallback, not comparable."""
    minutes, seconds = divmod(round(record.seconds), 60)
    hours, minutes = divmod(minutes, 60)
    time = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    star = "" if record.comparable else "*"
    return (
        f"{record.stage:<13} {f'{record.epoch}/{record.epochs}':>7} {time:>8} {record.train_loss:>7.3f} "
        f"{record.validation_loss:>7.3f} {_cell(record.bleu_4, 1, star):>7} {_cell(record.cider, 1, star):>7} "
        f"{record.distinct:>9.0%} {_cell(record.peak, 1):>6} {_cell(record.distance, 2):>6} "
        f"{record.captions_per_second:>11,.0f} {record.data_share:>5.0%}"
        + ("" if record.comparable else "   * without Java: not comparable")
    )


def _number(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else -math.inf


def _cell(value: float | None, digits: int, mark: str = "") -> str:
    return "–" if value is None else f"{value:.{digits}f}{mark}"


def _typed(value: Any, kind: str) -> Any:
    """A value of JSON, or the text of a cell in a CSV file, as the type of the field."""
    if kind == "str":
        return str(value)
    if "None" in kind and value in {None, ""}:
        return None
    if kind == "bool":
        return {"True": True, "False": False}[str(value)]
    return int(value) if kind == "int" else float(value)
