"""The stages of a run, in order: which parts learn, on what, and how fast."""

from __future__ import annotations

import math
from dataclasses import dataclass

from captioner.encoders import Encoder
from training.errors import OptionError
from training.options.training_options import TrainingOptions

DECODER, ENCODER, SELF_CRITICAL = "decoder", "encoder", "self_critical"


@dataclass(frozen=True)
class Stage:
    """`trained`: how many of the encoder's last stages learn. `views`: of each photo. Rates: at their height.

    `frozen`: epochs in which the decoder learns alone.
    """

    name: str
    epochs: int
    rate: float
    encoder_rate: float
    trained: int
    views: int
    frozen: int = 0

    def learning(self, epoch: int) -> int:
        """How many of the encoder's last stages learn in `epoch` (from 1): a third, then two thirds, then all."""
        if not self.encoder_rate:
            return 0
        return min(self.trained, math.ceil(self.trained * max(0, epoch - self.frozen) / 3))


def stages_planned(options: TrainingOptions, encoder: Encoder, *, learnt: bool = False) -> list[Stage]:
    """The stages with epochs to train. `learnt`: the decoder begins with what a bundle has learnt.

    Raises OptionError when the encoder has fewer stages than are to be trained.
    """
    tuned_by_reward = bool(options.scst_epochs and options.scst_encoder_rate)
    trained = options.finetune_stages if options.finetune_epochs or tuned_by_reward else 0
    if tuned_by_reward and not trained:
        raise OptionError(
            f"--scst-encoder-rate is {options.scst_encoder_rate:g}, but --finetune-stages 0 leaves nothing of the "
            "encoder to train: give the number of its last stages, or --scst-encoder-rate 0."
        )
    if trained > len(encoder.stage_names):
        raise OptionError(
            f"--finetune-stages is {trained}, but the encoder {options.encoder} has {len(encoder.stage_names)}: "
            f"{', '.join(encoder.stage_names)}. Give one of 0..{len(encoder.stage_names)}."
        )
    # Stage 3 keeps the cut of stage 2, and so its cached features, even while the encoder's rate is 0.
    planned = [
        Stage(DECODER, options.decoder_epochs, options.decoder_rate, 0.0, 0, options.views),
        Stage(
            ENCODER,
            options.finetune_epochs,
            options.finetune_rate,
            options.finetune_encoder_rate,
            trained,
            options.finetune_views,
            # A decoder that knows nothing yet would spoil the encoder by its gradients.
            frozen=0 if options.decoder_epochs or learnt else 1,
        ),
        Stage(
            SELF_CRITICAL,
            options.scst_epochs,
            options.scst_rate,
            options.scst_encoder_rate,
            trained,
            options.finetune_views if trained else options.views,
        ),
    ]
    return [stage for stage in planned if stage.epochs]
