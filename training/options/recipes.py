"""The recipes: sets of options that are known to work, by name."""

from __future__ import annotations

from typing import Any

from training.errors import OptionError
from training.options.training_options import TrainingOptions

# The 2021 tutorial that this project comes from, as it was: no dropout, no smoothing, no schedule, no average.
TUTORIAL = TrainingOptions(
    encoder="resnet50",
    decoder="tutorial",
    embedding=256,
    hidden=100,
    dropout=0.0,
    threshold=8,
    batching="same_length",
    batch_captions=200,
    views=1,
    words_max=100,
    decoder_epochs=4,
    decoder_rate=1e-3,
    schedule="constant",
    warmup_epochs=0.0,
    weight_decay=0.0,
    clip=0.0,
    averaging=0.0,
    label_smoothing=0.0,
    penalty=0.0,
    precision="float32",
    beam=1,
    max_words=20,
    length_penalty=0.0,
    consensus=0.0,
    certainty=0.0,
)

RECIPES = {
    "tutorial": TUTORIAL,
    "quick": TrainingOptions(views=1, decoder_epochs=5),
    # Encoder and decoder learn together from the second epoch on, at the decoder's full rate. That was better and
    # faster than a stage 1 before it. Stage 3 was no better on Flickr8k. Without sharpening, attention is too soft
    # to look at.
    "best": TrainingOptions(
        decoder_epochs=0,
        finetune_epochs=12,
        finetune_rate=1e-3,
        finetune_encoder_rate=3e-4,
        finetune_stages=6,
        finetune_views=6,
        sharpness=1.5,
    ),
}


def recipe(name: str) -> TrainingOptions:
    """Raises OptionError for an unknown name."""
    try:
        return RECIPES[name]
    except KeyError as error:
        raise OptionError(f"There is no recipe {name!r}; there are {', '.join(RECIPES)}.") from error


def recipe_nearest(options: TrainingOptions) -> tuple[str, dict[str, Any]]:
    """The recipe that differs from `options` in the fewest values, and those values of `options`."""

    def changes(name: str) -> dict[str, Any]:
        theirs = RECIPES[name].to_dict()
        return {key: value for key, value in options.to_dict().items() if value != theirs[key]}

    name = min(RECIPES, key=lambda name: len(changes(name)))
    return name, changes(name)
