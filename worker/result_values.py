"""What a captioner says of a photo, as the JSON that caption rows and the command hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from captioner.inference import CaptionResult


def words_values(result: CaptionResult) -> list[dict[str, Any]]:
    """A word has "seen" only where it is the image classifier's."""
    values = []
    for word in result.words:
        seen = {} if word.seen is None else {"seen": word.seen}
        values.append({"text": word.text, "log_probability": word.log_probability, **seen})
    return values


def alternatives_values(result: CaptionResult) -> list[dict[str, Any]]:
    return [{"text": other.text, "confidence": other.confidence} for other in result.alternatives]


def objects_values(result: CaptionResult) -> list[dict[str, Any]]:
    return [{"word": seen.word, "probability": seen.probability} for seen in result.objects]
