"""The model card of a bundle, MODEL_CARD.md, and the scores of its metrics.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from captioner.config import DecoderConfig, EncoderConfig
from training.data.dataset import CaptionedPhoto, photos_sample
from training.options.recipes import recipe_nearest
from training.options.training_options import TrainingOptions
from training.scoring.attention_focus import Focus
from training.scoring.caption_faults import captions_faults
from training.scoring.coco_scorer import Scorer

GATE_PHOTOS = 200


def validation_metrics(
    photos: Sequence[CaptionedPhoto], captions: Mapping[int, str], *, focus: Focus | None, scorer: Scorer, beam: int
) -> dict[str, Any]:
    """Scores x 100 of one caption per photo: "validation" of all, "gate" of the fixed sample that CI scores again.

    Each names its scorer, and says whether it compares with published scores.
    """

    def scores(part: Sequence[CaptionedPhoto]) -> dict[str, Any]:
        said = {photo.id: captions[photo.id] for photo in part}
        found = scorer.scores({photo.id: list(photo.captions) for photo in part}, said).to_dict()
        faults = captions_faults(said.values()).to_dict()
        return {
            "photos": len(part),
            "beam": beam,
            "scorer": scorer.name,
            "comparable": scorer.comparable,
            **{key: round(value, 2) for key, value in found.items() if value is not None},
            **{key: round(value, 4) for key, value in faults.items()},
        }

    metrics = {"validation": scores(photos), "gate": scores(photos_sample(photos, limit=GATE_PHOTOS))}
    if focus is not None:
        metrics["attention"] = {key: round(value, 3) for key, value in focus.to_dict().items()}
    return metrics


def card_text(
    *,
    name: str,
    encoder: EncoderConfig,
    tuned: Sequence[str],
    decoder: DecoderConfig,
    options: TrainingOptions,
    photos: tuple[int, int],
    words: int,
    metrics: Mapping[str, Any],
    notes: str,
) -> str:
    """A model card (Mitchell et al. 2019) in Markdown: the facts of training, then `notes`.

    `tuned`: the stages of the encoder that were trained. If the metrics say that the run failed, the card begins so.
    """
    training = metrics["training"]
    frozen = f"fine-tuned from {tuned[0]} on" if tuned else "frozen"
    recipe, changes = recipe_nearest(options)
    flags = "".join(f" --{key.replace('_', '-')} {value}" for key, value in changes.items())
    epochs = training["epochs"]
    failed, blind = metrics.get("failed"), metrics.get("blind")
    minutes = sum(record["seconds"] for record in epochs) / 60
    lines = [
        f"# Model card: {name}",
        "",
        *([f"**The run that made this model failed, and it is not to be used.** {failed}", ""] if failed else []),
        f"- Encoder: `{encoder.name}`, {frozen}; weights: {encoder.weights.source} `{encoder.weights.name}`",
        f"- Decoder: `{decoder.name}`, LSTM {decoder.hidden}, embedding {decoder.embedding}, {words:,} words",
        f"- Trained on {photos[0]:,} captioned photos, validated on {photos[1]:,} others",
        f"- Recipe: `--recipe {recipe}{flags}`, {len(epochs)} epochs, {minutes:.0f} minutes of steps",
        f"- Weights of epoch {training['best']['epoch']} of stage {training['best']['stage']}, the best by validation",
        *([f"- Started from model {training['start_from'][:12]}"] if training.get("start_from") else []),
        *[f"- Learnt also what model {version[:12]} says (distillation)" for version in training["teachers"]],
        "",
        "## Scores",
        "",
        "| photos | beam | BLEU-1 | BLEU-4 | ROUGE-L | CIDEr | distinct captions |",
        "|---|---|---|---|---|---|---|",
    ]
    for part in ("validation", "gate"):
        row = metrics[part]
        figures = [f"{row[key]:.1f}" for key in ("bleu_1", "bleu_4", "rouge_l", "cider")]
        lines.append(f"| {row['photos']:,} ({part}) | {row['beam']} | {' | '.join(figures)} | {row['distinct']:.0%} |")
    scorer = metrics["validation"]
    how = "" if scorer["comparable"] else " These do not compare with published scores: `manage.py evaluate_captioner`"
    how += "" if scorer["comparable"] else " gives those where Java is."
    lines += ["", f"Scores x 100 by {scorer['scorer']}.{how} The weights were chosen by these validation photos."]
    if blind:
        scores = f"CIDEr {blind['cider']:.1f}, BLEU-4 {blind['bleu_4']:.1f}"
        lines += ["", f"Without a look at the photos: {scores} ({blind['how']})."]
    if "attention" in metrics:
        focus = metrics["attention"]
        peak = f"the largest weight of a content word's map is {focus['peak']:.1f} times that of an even map"
        lines += ["", f"Attention: {peak}; two maps of a caption differ by {focus['distance']:.2f} (total variation)."]
    return "\n".join(lines) + "\n" + (f"\n{notes.strip()}\n" if notes.strip() else "")
