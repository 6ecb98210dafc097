"""Whether a run came to anything: is its best model better than captions that were chosen without a look?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.data.caption_checks import Concern
from training.epoch.epoch_record import EpochRecord
from training.options.stage_plan import DECODER, ENCODER, SELF_CRITICAL

FEW = 100  # photos, of which little can be learnt
SAME = 0.02  # different captions per photo: a model that says this few has not learnt to look
_EPOCHS = {DECODER: "--decoder-epochs", ENCODER: "--finetune-epochs", SELF_CRITICAL: "--scst-epochs"}


def run_failure(
    metrics: Mapping[str, Any], *, photos: int, concerns: Sequence[Concern], records: Sequence[EpochRecord]
) -> str:
    """Why the run counts as failed, most likely why that is, and what to do; "" where it did not fail.

    `metrics`: of the bundle, with "validation" and "blind". The model has to be better by CIDEr, or where that is the
    same (of a single photo, and of photos that are all captioned alike, it is always 0) by BLEU-4, as they are printed
    with two digits. `photos`: to train on. `concerns`: what was said before the first step.
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
    """Of a run whose captions seem to be in order."""
    last = records[-1]
    if photos < FEW:
        return f"{photos} photos are few to learn from: give some hundreds."
    if len(records) > 1 and last.validation_loss == min(record.validation_loss for record in records):
        return f"The loss was still falling in its last epoch: give more than {_EPOCHS[last.stage]} {last.epochs}."
    if round(model["distinct"] * model["photos"]) <= max(1, SAME * model["photos"]):
        return "It says the same of nearly every photo: give more epochs, or another learning rate."
    return "The captions may be those of other photos: look at them by manage.py inspect_dataset."
