"""Digests of the data that a run began with. It is resumed with the same data only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from captioner.bundle import bundle_validate
from captioner.config import EncoderConfig
from captioner.vocabulary import Vocabulary
from training.data.dataset import CaptionedPhoto
from training.options.training_options import TrainingOptions
from training.run_folder.data_sources import DataSources


@dataclass(frozen=True)
class Fingerprint:
    """captions: of the photos' names and captions. photos: of the sizes of their files. vocabulary: of its words.
    encoder: sha256 of the file with the weights that it begins with. start_from, teachers: versions of those bundles.

    None where there is no such thing, and where an early version of Fovea, which kept only captions, began the run.
    """

    captions: str
    photos: str | None = None
    vocabulary: str | None = None
    encoder: str | None = None
    start_from: str | None = None
    teachers: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls, *sets: Sequence[CaptionedPhoto], sources: DataSources, vocabulary: Vocabulary, encoder: EncoderConfig
    ) -> Self:
        """The fingerprint of today's data. Raises BundleError for a bundle of `sources` that is missing or damaged."""
        photos = [photo for part in sets for photo in part]
        return cls(
            captions=_digest([[photo.path.name, photo.captions] for photo in photos]),
            # The time of change would also find a photo that was edited to the very same size. But a copy of the data
            # set has other times, and a run has to go on there. Cached features, which need not be copied, go by it.
            photos=_digest([photo.path.stat().st_size for photo in photos]),
            vocabulary=_digest(vocabulary.words),
            encoder=encoder.weights.sha256,
            start_from=bundle_validate(sources.start_from) if sources.start_from else None,
            teachers=tuple(map(bundle_validate, sources.teachers)),
        )

    def changes(self, former: Fingerprint, *, options: TrainingOptions, sources: DataSources) -> list[str]:
        """What has changed since `former`, for people. `options` and `sources` tell where that lies."""
        captions = ", ".join(map(str, (*sources.train_captions, *sources.val_captions)))
        bundles = [("bundle", sources.start_from, self.start_from, former.start_from)] + [
            ("teacher", path, now, then)
            for path, now, then in zip(sources.teachers, self.teachers or (), former.teachers or (), strict=False)
        ]
        parts = [
            (f"the captions, or which photos have any, in {captions}", self.captions, former.captions),
            (f"sizes of photos in {', '.join(map(str, sources.images))}", self.photos, former.photos),
            (f"the first weights of {options.encoder_weights or options.encoder}", self.encoder, former.encoder),
            *[(f"the {kind} {path} (version {then}, now {now})", now, then) for kind, path, now, then in bundles],
        ]
        words = ("how captions are split into words, which is nltk's work", self.vocabulary, former.vocabulary)
        changed = [what for what, now, then in parts if then is not None and now != then]
        # Words follow from captions and bundles. Only if those are unchanged, the splitting into words has changed.
        return changed or [what for what, now, then in [words] if then is not None and now != then]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any] | str) -> Self:
        """`data`: of any version of Fovea. Raises TypeError for data of another form."""
        if isinstance(data, str):
            return cls(data)
        teachers = data["teachers"]
        return cls(**data | {"teachers": teachers and tuple(teachers)})


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
