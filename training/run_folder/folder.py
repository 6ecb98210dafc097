"""The folder of a run: where its files lie, its lock, options.json, metrics.csv and curves.png."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import io
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from training.atomic_files import file_write
from training.epoch.epoch_record import EpochRecord
from training.errors import CheckpointError, FileError, TrainingError
from training.run_folder.learning_curves import curves_png


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run. Every file in it is written as a whole or not at all. TrainingError says what failed."""

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
        """Whether a run was started here, even if some of its files are gone."""
        return any(path.exists() for path in (self.settings, self.checkpoint, self.bundle))

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """While entered, no other process can train here. Makes the folder. Raises TrainingError if another one does.

        The folder itself is locked. So no file is left behind, and the kernel unlocks it when this process ends.
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
        """Keeps what the run was started with, as JSON."""
        file_write(self.settings, json.dumps(settings, indent=2) + "\n")

    def settings_read(self) -> dict[str, Any]:
        """Raises CheckpointError if no run was started here, or the file is damaged."""
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
        """The epochs of metrics.csv, oldest first. Raises TrainingError for a file of another form."""
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
        """Makes these the rows of metrics.csv. A resumed run does so with those of its checkpoint."""
        table = io.StringIO()
        writer = csv.DictWriter(table, [field.name for field in fields(EpochRecord)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(record.to_dict() for record in records)
        file_write(self.metrics, table.getvalue())

    def record_append(self, record: EpochRecord) -> None:
        """Adds a row to metrics.csv. A row of the same epoch, and all rows after it, go first."""
        known = self.records()
        keys = [other.key for other in known]
        self.records_write([*(known[: keys.index(record.key)] if record.key in keys else known), record])

    def curves_draw(self) -> None:
        """Draws curves.png from the rows of metrics.csv, if there are any."""
        if records := self.records():
            file_write(self.curves, curves_png(records))
