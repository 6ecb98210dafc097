"""The objective of a stage: the loss that a training step makes smaller."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from torch import nn

from captioner.vocabulary import Vocabulary, caption_tokens
from training.batches.training_set import Batch
from training.data.dataset import CaptionedPhoto
from training.model.trained_model import TrainedModel
from training.objectives.cross_entropy import CaptionLoss, caption_loss
from training.objectives.distillation import Teachers
from training.objectives.self_critical import SelfCritic, captions_sample, self_critical_loss
from training.options.stage_plan import SELF_CRITICAL, Stage
from training.options.training_options import TrainingOptions

Objective = Callable[[TrainedModel, Batch], CaptionLoss]


def objective_of(
    stage: Stage,
    *,
    options: TrainingOptions,
    photos: Sequence[CaptionedPhoto],
    vocabulary: Vocabulary,
    teachers: Teachers | None = None,
) -> Objective:
    def cross_entropy(model: TrainedModel, batch: Batch) -> CaptionLoss:
        return caption_loss(
            model.decoder,
            model.features(batch.maps),
            batch.tokens,
            smoothing=options.label_smoothing,
            penalty=options.penalty,
            focus=options.focus,
            taught=teachers.probabilities(batch.maps, batch.tokens) if teachers else None,
            teaching=options.teaching,
        )

    if stage.name != SELF_CRITICAL:
        return cross_entropy
    critic = SelfCritic(
        {photo.id: [vocabulary.encode(caption_tokens(text)) for text in photo.captions] for photo in photos}
    )

    def self_critical(model: TrainedModel, batch: Batch) -> CaptionLoss:
        """Reward mixed with cross-entropy. The reward alone forgets how sentences end (and much else)."""
        supervised = cross_entropy(model, batch)
        with _dropout_off(model.decoder):  # in drawing and scoring: else the gradient is of other captions
            features = model.features(batch.maps)
            drawn = captions_sample(
                model.decoder, features.detach(), samples=options.scst_samples, max_words=options.max_words
            )
            rewards = critic.rewards(batch.photos, drawn).to(features.device)
            reinforced = self_critical_loss(model.decoder, features, drawn, rewards)
        share = options.scst_share
        return CaptionLoss(share * reinforced + (1 - share) * supervised.total, supervised.nats)

    return self_critical


@contextlib.contextmanager
def _dropout_off(module: nn.Module) -> Iterator[None]:
    """The module stays in training mode, because cuDNN gives no gradient of an LSTM in evaluation mode."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Dropout)]
    for layer in layers:
        layer.eval()
    try:
        yield
    finally:
        for layer in layers:
            layer.train()
