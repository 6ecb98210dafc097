"""What a bundle says of its own quality: metrics.json and MODEL_CARD.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from captioner.config import DecoderConfig, EncoderConfig
from training.data.coco import CaptionedPhoto
from training.errors import JavaMissing
from training.scoring.evaluate import captions_faults, coco_scores, java_require, photos_sample

GATE_PHOTOS = 200


def validation_metrics(photos: Sequence[CaptionedPhoto], captions: Mapping[int, str], *, beam: int) -> dict[str, Any]:
    """Scores x 100 of one caption per photo: "validation" of all, "gate" of the fixed sample that CI scores again.

    Empty where Java is missing, which COCO's scorer needs.
    """

    def scores(part: Sequence[CaptionedPhoto]) -> dict[str, Any]:
        said = {photo.id: captions[photo.id] for photo in part}
        found = coco_scores({photo.id: list(photo.captions) for photo in part}, said)
        faults = captions_faults(said.values())
        named = {key: value for key, value in found.to_dict().items() if value is not None}
        return {"photos": len(part), "beam": beam, **_rounded(named, 2), **_rounded(faults.to_dict(), 4)}

    if cider_scorer() is None:
        return {}
    return {"validation": scores(photos), "gate": scores(photos_sample(photos, limit=GATE_PHOTOS))}


def cider_scorer() -> Callable[[dict[int, list[str]], dict[int, str]], float] | None:
    """CIDEr x 100 of captions against references; None where Java is missing."""
    try:
        java_require()
    except JavaMissing:
        return None
    return lambda references, captions: coco_scores(references, captions).cider


def card_text(
    *,
    name: str,
    encoder: EncoderConfig,
    decoder: DecoderConfig,
    photos: tuple[int, int],
    words: int,
    metrics: Mapping[str, Any],
    notes: str,
) -> str:
    """A model card (Mitchell et al. 2019) in Markdown: what is known from training, then `notes`."""
    training = metrics["training"]
    lines = [
        f"# Model card: {name}",
        "",
        f"- Encoder: `{encoder.name}`, frozen; weights: {encoder.weights.source} `{encoder.weights.name}`",
        f"- Decoder: `{decoder.name}`, LSTM {decoder.hidden}, embedding {decoder.embedding}, {words:,} words",
        f"- Trained on {photos[0]:,} captioned photos, validated on {photos[1]:,} others",
        f"- Weights of epoch {training['best_epoch']} of {len(training['epochs'])}, the best by validation",
        "",
        "## Scores",
        "",
    ]
    if "validation" in metrics:
        lines += [
            "| photos | beam | BLEU-1 | BLEU-4 | ROUGE-L | CIDEr | distinct captions |",
            "|---|---|---|---|---|---|---|",
        ]
        for part in ("validation", "gate"):
            row = metrics[part]
            figures = [f"{row[key]:.1f}" for key in ("bleu_1", "bleu_4", "rouge_l", "cider")]
            lines.append(
                f"| {row['photos']:,} ({part}) | {row['beam']} | {' | '.join(figures)} | {row['distinct']:.0%} |"
            )
        lines += ["", "COCO's own scorer, x 100. The weights were chosen by these validation photos."]
    else:
        lines.append(
            "None: COCO's scorer needs Java, which was not there. `manage.py evaluate_captioner` scores a bundle."
        )
    return "\n".join(lines) + "\n" + (f"\n{notes.strip()}\n" if notes.strip() else "")


def _rounded(values: Mapping[str, float], digits: int) -> dict[str, float]:
    return {key: round(value, digits) for key, value in values.items()}
