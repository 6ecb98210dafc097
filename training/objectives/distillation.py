"""Distillation from teachers: a model learns what other models would say (Hinton, Vinyals and Dean 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from captioner.bundle import Bundle, bundle_load
from captioner.config import Preprocessing
from captioner.encoders import Encoder
from captioner.vocabulary import PAD, Vocabulary
from training.errors import TrainingError
from training.model.trained_model import TrainedModel

_ROUNDING = 2e-3  # of the half precision that bundles keep


class Teachers:
    """One model or an ensemble. They share the trunk and the words of the model that learns."""

    def __init__(self, models: Sequence[TrainedModel]) -> None:
        self.models = [model.eval().requires_grad_(False) for model in models]

    @torch.no_grad()
    def probabilities(self, maps: Tensor, tokens: Tensor) -> Tensor:
        """Their mean probabilities of the next word, for captions int64 (B, K, T) <start>, words, <end>, <pad>.

        (N, V) for the N tokens after <start> that are no padding.
        """
        real = tokens[:, :, 1:] != PAD
        said = []
        for model in self.models:
            vectors, _ = model.decoder.vectors(model.features(maps), tokens[:, :, :-1])
            said.append(model.decoder.logits(vectors[:, :, -real.shape[2] :][real]).float().softmax(-1))
        return torch.stack(said).mean(0)


def teachers_load(
    bundles: Sequence[Path],
    *,
    vocabulary: Vocabulary,
    encoder: Encoder,
    preprocessing: Preprocessing,
    trained: int,
    device: torch.device,
) -> Teachers:
    """`encoder`: of the model that learns. Its last `trained` stages are trained.

    Raises BundleError, and TrainingError for a teacher with other words, preprocessing or trunk.
    """
    models = []
    trunk = encoder.split(trained)[0]
    for path in bundles:
        found = bundle_load(path)
        if found.vocabulary.words != vocabulary.words:
            raise TrainingError(
                f"The teacher {path} knows {len(found.vocabulary):,} words, this run {len(vocabulary):,}, or others. "
                "Train it on the same captions with the same --threshold."
            )
        if found.config.preprocessing != preprocessing or not _same(_trunk(found, encoder, trained), trunk):
            raise TrainingError(
                f"The teacher {path} does not fit: its encoder, its --size or its --resize is another, or more of "
                "its encoder was trained. Train both with the same --finetune-stages, and with --decoder-epochs 0."
            )
        models.append(TrainedModel(found.encoder, found.decoder, trained=trained).to(device))
    return Teachers(models)


def _trunk(bundle: Bundle, encoder: Encoder, trained: int) -> nn.Module | None:
    return bundle.encoder.split(trained)[0] if bundle.encoder.stage_names == encoder.stage_names else None


def _same(one: nn.Module | None, other: nn.Module) -> bool:
    if one is None:
        return False
    theirs, ours = one.state_dict(), other.state_dict()
    return theirs.keys() == ours.keys() and all(
        torch.allclose(theirs[key].float(), ours[key].cpu().float(), rtol=_ROUNDING, atol=_ROUNDING) for key in ours
    )
