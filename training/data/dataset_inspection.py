"""Looks into a data set before training: numbers of photos, captions and words, and bad photos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from captioner.tally import Tally
from captioner.vocabulary import caption_tokens
from training.data.caption_checks import Concern, captions_concerns, script_concern
from training.data.coco_captions import captions_file_read
from training.data.dataset import Dataset, dataset_examine, datasets_count
from training.data.vocabulary_builder import THRESHOLD, ThresholdRow, vocabulary_thresholds


@dataclass(frozen=True)
class CaptionsFile:
    """A captions file and the folder of its photos. `captions`: how many have a word."""

    file: Path
    folder: Path
    photos: int
    captions: int


@dataclass(frozen=True)
class Inspection:
    """Numbers of the photos that can be trained on, and the photos that cannot.

    lengths: words of a caption -> how many captions have as many. captions_per_photo: the same for photos.
    words: every word and how often it occurs. repeated: captions that say the same, word for word, as an earlier one.
    tallies: counts of the captions, and of the photos in the files and folders. concerns: of the captions as a whole.
    """

    files: tuple[CaptionsFile, ...]
    dataset: Dataset
    lengths: Counter[int]
    captions_per_photo: Counter[int]
    words: Counter[str]
    repeated: int
    thresholds: tuple[ThresholdRow, ...]
    tallies: dict[str, Tally]
    concerns: tuple[Concern, ...]

    @property
    def captions(self) -> int:
        return self.lengths.total()

    @property
    def mean_length(self) -> float:
        """Words of a caption; 0 where there is none."""
        return sum(length * count for length, count in self.lengths.items()) / max(1, self.captions)

    @property
    def bad_counts(self) -> dict[str, int]:
        return self.dataset.bad_counts


def dataset_inspect(captions: Sequence[Path], *, images: Sequence[Path]) -> Inspection:
    """`images`: one folder, or one for each file. Raises DatasetError only for what dataset_examine cannot read."""
    dataset = dataset_examine(captions, images=images)
    texts = [text for photo in dataset.photos for text in photo.captions]
    tokens = [tuple(caption_tokens(text)) for text in texts]
    folders = list(images) * (len(captions) if len(images) == 1 else 1)
    return Inspection(
        files=tuple(_file(file, folder) for file, folder in zip(captions, folders, strict=True)),
        dataset=dataset,
        lengths=Counter(map(len, tokens)),
        captions_per_photo=Counter(len(photo.captions) for photo in dataset.photos),
        words=Counter(token for caption in tokens for token in caption),
        repeated=len(tokens) - len(set(tokens)),
        thresholds=tuple(vocabulary_thresholds(texts)),
        tallies=datasets_count(dataset),
        concerns=tuple(_concerns(captions, texts)),
    )


def _concerns(files: Sequence[Path], texts: list[str]) -> list[Concern]:
    """Concerns about files in another script than the first, and about all captions at the usual threshold."""
    said = [[text for entry in captions_file_read(file) for text in entry.captions] for file in files]
    found = [
        concern
        for file, theirs in zip(files[1:], said[1:], strict=True)
        for concern in script_concern(
            theirs,
            said[0],
            what=f"the captions of {file}",
            of=f"those of {files[0]}",
            remedy="Give captions of one language.",
        )
    ]
    return found + (captions_concerns(texts, threshold=THRESHOLD) if texts else [])


def _file(file: Path, folder: Path) -> CaptionsFile:
    entries = captions_file_read(file)
    return CaptionsFile(file, folder, len(entries), sum(len(entry.captions) for entry in entries))
