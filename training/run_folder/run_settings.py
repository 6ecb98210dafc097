"""The settings of a run in options.json. A run is resumed with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from training.errors import CheckpointError
from training.hardware.numerics import Numerics
from training.options.training_options import TrainingOptions
from training.run_folder.data_sources import DataSources
from training.run_folder.fingerprint import Fingerprint
from training.run_folder.folder import RunFolder


@dataclass(frozen=True)
class RunSettings:
    """`data`: of the start of the run. `numerics`: None if an early version of Fovea, which kept none, began it."""

    options: TrainingOptions
    sources: DataSources
    data: Fingerprint
    numerics: Numerics | None

    def write(self, folder: RunFolder) -> None:
        """With absolute paths, so that the run can go on from another folder."""
        weights = self.options.encoder_weights
        folder.settings_write(
            {
                "options": self.options.to_dict()
                | {"encoder_weights": str(Path(weights).resolve()) if weights else ""},
                "sources": self.sources.to_dict(),
                "data": self.data.to_dict(),
                "numerics": self.numerics and self.numerics.to_dict(),
            }
        )

    @classmethod
    def read(cls, folder: RunFolder) -> Self:
        """Raises CheckpointError if there are none, and OptionError for options of another version of Fovea."""
        settings: dict[str, Any] = folder.settings_read()
        try:
            kept = settings.get("numerics")
            return cls(
                TrainingOptions.from_dict(settings["options"]),
                DataSources.from_dict(settings["sources"]),
                Fingerprint.from_dict(settings["data"]),
                kept and Numerics.from_dict(kept),
            )
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{folder.settings} is not what this version of Fovea writes ({error!r}). Put it back, or start again."
            ) from error
