"""The data that a run learns from: captions files, folders of photos, bundles to begin with or to learn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from captioner.tally import tallies_lines
from training.data.dataset import CaptionedPhoto, Dataset, dataset_read, datasets_count, splits_check
from training.errors import TrainingError


@dataclass(frozen=True)
class DataSources:
    """What a run learns from. `images`: one folder for all captions files, or one for each, training first.

    `start_from`: a bundle whose weights and words the run begins with. `teachers`: bundles that the model also learns
    from. `features`: folder of cached features, which runs may share. None: in the run folder. `card_notes`: Markdown
    for the end of the model card (licence, use, ...).
    """

    train_captions: tuple[Path, ...]
    val_captions: tuple[Path, ...]
    images: tuple[Path, ...]
    start_from: Path | None = None
    card_notes: Path | None = None
    features: Path | None = None
    teachers: tuple[Path, ...] = ()
    skip_bad: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Absolute paths, so that the run can go on from another folder."""
        return {
            key: [str(path.resolve()) for path in value]
            if isinstance(value, tuple)
            else str(value.resolve())
            if isinstance(value, Path)
            else value
            for key, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> DataSources:
        made: dict[str, Any] = {
            key: tuple(map(Path, value))
            if isinstance(value, list)
            else Path(value)
            if isinstance(value, str)
            else value
            for key, value in data.items()
        }
        return cls(**made)

    def photos(
        self, *, report: Callable[[str], None], verbose: bool = False
    ) -> tuple[list[CaptionedPhoto], list[CaptionedPhoto]]:
        """The photos to train on and those to validate on. Raises DatasetError.

        Reports how many were found, taken and left out, and if `verbose` each that was left out.
        """
        count = len(self.train_captions)
        shared = len(self.images) == 1
        parts: list[Dataset] = []
        for captions, images in (
            (self.train_captions, self.images if shared else self.images[:count]),
            (self.val_captions, self.images if shared else self.images[count:]),
        ):
            parts.append(dataset_read(captions, images=images, skip_bad=self.skip_bad))
        splits_check(parts[0].photos, parts[1].photos)
        for line in tallies_lines(datasets_count(*parts), verbose=verbose):
            report(line)
        return parts[0].photos, parts[1].photos

    def notes(self) -> str:
        """The notes of the model card. Raises TrainingError if the file cannot be read or is not UTF-8 text."""
        if self.card_notes is None:
            return ""
        try:
            return self.card_notes.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise TrainingError(
                f"The model card's notes {self.card_notes} cannot be read ({reason}). Name another file."
            ) from error
