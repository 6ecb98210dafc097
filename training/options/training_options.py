"""Every option that changes what a run learns. The run folder and the bundle keep them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self, get_type_hints

from captioner.config import BEAM_MAX, DECODERS, RESIZE_POLICIES, SCORINGS, DecoderConfig, DecodingDefaults
from training.data.vocabulary_builder import THRESHOLD
from training.errors import OptionError

BATCHINGS = ("bucketed", "same_length")
SCHEDULES = ("cosine", "constant")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")


def _option(
    default: Any,
    help: str,  # noqa: A002
    *,
    group: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A field with its help on the command line and the limits of its value."""
    meta = {"help": help, "group": group, "low": low, "high": high, "choices": choices}
    return field(default=default, metadata=meta)


@dataclass(frozen=True)
class TrainingOptions:
    """The options of a run; a recipe is a set of them, and each is a flag of train_captioner.

    Raises OptionError, which names the flag, its value and what it may be.
    """

    encoder: str = _option("efficientnet_lite2", "backbone by name; also timm/NAME or torchvision/NAME", group="model")
    encoder_weights: str = _option("", "local file of the backbone's weights, instead of its usual ones", group="model")
    decoder: str = _option("show_attend_and_tell", "kind of decoder", group="model", choices=DECODERS)
    embedding: int = _option(512, "width of the word vectors", group="model", low=1)
    hidden: int = _option(512, "width of the LSTM", group="model", low=1)
    annotation: int = _option(512, "width of what is attended to", group="model", low=1)
    attention: int = _option(256, "width of the scoring network of the attention", group="model", low=1)
    scoring: str = _option("dot", "how attention scores places", group="model", choices=SCORINGS)
    dropout: float = _option(0.5, "share of activations dropped while training", group="model", low=0, high=0.99)
    size: int = _option(224, "side in pixels of the square that the encoder sees", group="model", low=32, high=1024)
    resize: str = _option("squash", "how a photo becomes a square", group="model", choices=RESIZE_POLICIES)
    threshold: int = _option(THRESHOLD, "a word must occur this often to be learnt", group="model", low=1)

    batching: str = _option("bucketed", "how captions come together in a step", group="batches", choices=BATCHINGS)
    batch_photos: int = _option(32, "photos a step, with their captions (bucketed)", group="batches", low=1)
    batch_captions: int = _option(200, "captions of one length a step (same_length)", group="batches", low=1)
    captions_per_photo: int = _option(5, "captions of a photo that a step takes at most", group="batches", low=1)
    words_max: int = _option(24, "words of a caption that are learnt at most", group="batches", low=1)
    views: int = _option(
        2,
        "looks at each photo: 1 as it is, 2 mirrored too, more: random crops in changed colours",
        group="batches",
        low=1,
    )

    decoder_epochs: int = _option(12, "stage 1, the decoder on cached features; 0 leaves it out", group="stages", low=0)
    decoder_rate: float = _option(1e-3, "learning rate of stage 1", group="stages", low=0)
    finetune_epochs: int = _option(0, "stage 2, encoder and decoder together; 0 leaves it out", group="stages", low=0)
    finetune_rate: float = _option(3e-4, "learning rate of the decoder in stage 2", group="stages", low=0)
    finetune_encoder_rate: float = _option(1e-4, "learning rate of the encoder in stage 2", group="stages", low=0)
    finetune_stages: int = _option(
        3,
        "stages of the encoder that are trained, from its end: a third more of them each epoch until all are",
        group="stages",
        low=0,
    )
    finetune_views: int = _option(2, "looks at each photo in stages 2 and 3, as --views", group="stages", low=1)
    scst_epochs: int = _option(0, "stage 3, self-critical training on CIDEr-D; 0 leaves it out", group="stages", low=0)
    scst_rate: float = _option(2e-5, "learning rate of the decoder in stage 3", group="stages", low=0)
    scst_encoder_rate: float = _option(0.0, "learning rate of the encoder in stage 3", group="stages", low=0)
    scst_samples: int = _option(5, "captions drawn for each photo in stage 3", group="stages", low=2)
    scst_share: float = _option(0.8, "weight of the reward; the rest is cross-entropy", group="stages", low=0, high=1)
    patience: int = _option(
        0, "end a stage after this many epochs without a better score; 0: never", group="stages", low=0
    )

    schedule: str = _option(
        "cosine", "learning rate over a stage, after the warm-up", group="optimisation", choices=SCHEDULES
    )
    warmup_epochs: float = _option(1.0, "epochs over which the learning rate rises", group="optimisation", low=0)
    weight_decay: float = _option(0.01, "of AdamW", group="optimisation", low=0)
    clip: float = _option(1.0, "longest gradient; 0: any", group="optimisation", low=0)
    averaging: float = _option(
        0.998, "decay of the moving average of the weights; 0: none", group="optimisation", low=0, high=0.99999
    )
    label_smoothing: float = _option(
        0.1, "share of certainty given to all words", group="optimisation", low=0, high=0.99
    )
    penalty: float = _option(0.0, "weight of even attention (doubly stochastic)", group="optimisation", low=0)
    teaching: float = _option(
        0.5, "weight of what teachers would say, if there are any", group="optimisation", low=0, high=1
    )
    sharpness: float = _option(
        1.0, "attention energies of the finished model are multiplied by this", group="optimisation", low=0.01
    )
    focus: float = _option(0.0, "weight of sharp attention (entropy of each word's map)", group="optimisation", low=0)
    precision: str = _option(
        "auto", "of the arithmetic; auto: what the device is fast in", group="optimisation", choices=PRECISIONS
    )
    seed: int = _option(1, "of everything that is drawn at random", group="optimisation", low=0)

    beam: int = _option(3, "default width of the beam search; 1: greedy", group="decoding", low=1, high=BEAM_MAX)
    max_words: int = _option(20, "longest caption", group="decoding", low=1, high=100)
    length_penalty: float = _option(0.7, "captions rank by log-probability / length ** this", group="decoding", low=0)
    consensus: float = _option(
        0.2, "captions found vote for those like them by probability ** this; 0: no vote", group="decoding", low=0
    )
    certainty: float = _option(
        0.5, "weight of a caption's mean log-probability beside the votes, if they vote", group="decoding", low=0
    )

    def __post_init__(self) -> None:
        for name, kind, meta in options_described():
            value = getattr(self, name)
            flag = f"--{name.replace('_', '-')}"
            if not isinstance(value, kind) or isinstance(value, bool):
                raise OptionError(f"{flag} is {value!r}; it must be of type {kind.__name__}.")
            if meta["choices"] and value not in meta["choices"]:
                raise OptionError(f"{flag} is {value!r}; it must be one of {', '.join(meta['choices'])}.")
            low, high = meta["low"], meta["high"]
            if (low is not None and not value >= low) or (high is not None and not value <= high):
                limits = f"at least {low:g}" if high is None else f"in {low:g}..{high:g}"
                raise OptionError(f"{flag} is {value:g}; it must be {limits}.")
        if not (self.decoder_epochs or self.finetune_epochs or self.scst_epochs):
            raise OptionError("There is nothing to train: --decoder-epochs, --finetune-epochs and --scst-epochs are 0.")

    def decoder_config(self) -> DecoderConfig:
        return DecoderConfig(
            name=self.decoder,
            embedding=self.embedding,
            hidden=self.hidden,
            annotation=self.annotation,
            attention=self.attention,
            dropout=self.dropout,
            scoring=self.scoring,
        )

    def decoding(self) -> DecodingDefaults:
        return DecodingDefaults(
            beam=self.beam,
            max_words=self.max_words,
            length_penalty=self.length_penalty,
            consensus=self.consensus,
            certainty=self.certainty,
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Raises OptionError for an unknown or a missing name: another version of Fovea wrote it."""
        known = {option.name for option in fields(cls)}
        if unknown := set(data) - known:
            raise OptionError(
                f"This version of Fovea has no option {min(unknown)!r}. Go on with the version that began the run."
            )
        if missing := known - set(data):
            raise OptionError(
                f"The run was begun by a version of Fovea without the option {min(missing)!r}. Go on with that version."
            )
        kinds = get_type_hints(cls)
        return cls(**{name: kinds[name](value) for name, value in data.items()})


def options_described() -> list[tuple[str, type, dict[str, Any]]]:
    """Name, type, and help, group, low, high and choices of every option."""
    kinds = get_type_hints(TrainingOptions)
    return [(option.name, kinds[option.name], dict(option.metadata)) for option in fields(TrainingOptions)]
