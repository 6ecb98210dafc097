"""Whether a run failed: its best model is no better than captions that were chosen without a look at the photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.data.caption_checks import Concern
from training.epoch.epoch_record import EpochRecord
from training.options.stage_plan import DECODER, ENCODER, SELF_CRITICAL

FEW = 100  # photos: little can be learnt from fewer
SAME = 0.02  # different captions per photo: a model with fewer has not learnt to look
_EPOCHS = {DECODER: "--decoder-epochs", ENCODER: "--finetune-epochs", SELF_CRITICAL: "--scst-epochs"}


def run_failure(
    metrics: Mapping[str, Any], *, photos: int, concerns: Sequence[Concern], records: Sequence[EpochRecord]
) -> str:
    """Why the run failed, the likely cause, and what to do. "" if it did not fail.

    `metrics`: of the bundle, with "validation" and "blind", in two digits. The model has to be better by CIDEr, or if
    that is equal by BLEU-4. CIDEr of a single photo, and of photos that all have the same captions, is always 0.
    `photos`: how many to train on. `concerns`: those told before the first step.
    """
    model, blind = metrics["validation"], metrics["blind"]
    if (model["cider"], model["bleu_4"]) > (blind["cider"], blind["bleu_4"]):
        return ""
    why = " ".join(concern.message for concern in concerns) or _guess(model, photos=photos, records=records)
    return (
        f"Its captions are no better than blind ones: on the validation photos they score CIDEr {model['cider']:.1f} "
        f"and BLEU-4 {model['bleu_4']:.1f}, and {blind['how']}, CIDEr {blind['cider']:.1f} and BLEU-4 "
        f"{blind['bleu_4']:.1f}. Most likely why, and what to do: {why}"
    )


def _guess(model: Mapping[str, Any], *, photos: int, records: Sequence[EpochRecord]) -> str:
    """The likely cause, if nothing is wrong with the captions."""
    last = records[-1]
    if photos < FEW:
        return f"{photos} photos are few to learn from: give some hundreds."
    if len(records) > 1 and last.validation_loss == min(record.validation_loss for record in records):
        return f"The loss was still falling in its last epoch: give more than {_EPOCHS[last.stage]} {last.epochs}."
    if round(model["distinct"] * model["photos"]) <= max(1, SAME * model["photos"]):
        return "It says the same of nearly every photo: give more epochs, or another learning rate."
    return "The captions may be those of other photos. Look at them with manage.py inspect_dataset."
