"""The report of an evaluation: a table for the terminal, and a file of per-photo scores."""

from __future__ import annotations

import csv
import io
from typing import NamedTuple

from training.scoring.bundle_evaluation import FOCUS_PHOTOS, Evaluation
from training.scoring.model_comparison import Comparison, Difference


class Row(NamedTuple):
    """One number: its name, its value as text, and what it means."""

    name: str
    value: str
    meaning: str


def score_rows(evaluation: Evaluation) -> list[Row]:
    """Scores x 100."""
    scores = evaluation.scores
    meteor = "its Java program did not run" if evaluation.scorer.comparable else "needs Java"
    return [
        Row("BLEU-1", f"{scores.bleu_1:.1f}", "words that a reference has too"),
        Row("BLEU-2", f"{scores.bleu_2:.1f}", "... and pairs of words"),
        Row("BLEU-3", f"{scores.bleu_3:.1f}", "... and three words in a row"),
        Row("BLEU-4", f"{scores.bleu_4:.1f}", "... and four words in a row"),
        Row("ROUGE-L", f"{scores.rouge_l:.1f}", "longest common sequence of words"),
        Row(
            "METEOR",
            f"- ({meteor})" if scores.meteor is None else f"{scores.meteor:.1f}",
            "words, word stems and synonyms, aligned",
        ),
        Row("CIDEr", f"{scores.cider:.1f}", "agreement with the references, rare words counting most"),
    ]


def fault_rows(evaluation: Evaluation) -> list[Row]:
    """Faults of the captions."""
    faults = evaluation.faults
    return [
        Row("Distinct captions", f"{faults.distinct:.1%}", "different captions per photo"),
        Row("Ending in a function word", f"{faults.function_word_endings:.1%}", 'captions cut short: "a man in a"'),
        Row("Captions that repeat", f"{faults.repeating_captions:.1%}", "captions with three words in a row twice"),
        Row("Repeated trigrams", f"{faults.repeated_trigrams:.1%}", "of all runs of three words"),
        Row("Words per caption", f"{faults.mean_words:.1f}", "mean"),
    ]


def focus_rows(evaluation: Evaluation) -> list[Row]:
    """Sharpness of attention. Empty if the decoder has no attention."""
    focus = evaluation.focus
    if focus is None:
        return []
    photos = f"greedy captions of {min(FOCUS_PHOTOS, len(evaluation.photos))} photos"
    return [
        Row("Attention peak", f"{focus.peak:.1f}", f"largest weight over an even one, content words, {photos}"),
        Row("Attention distance", f"{focus.distance:.2f}", "between the maps of a caption: 0 the same, 1 apart"),
        Row("... of content words", f"{focus.content_distance:.2f}", "the same without articles and prepositions"),
    ]


def evaluation_text(evaluation: Evaluation) -> str:
    """A table for the terminal."""
    rows = [*score_rows(evaluation), *fault_rows(evaluation), *focus_rows(evaluation)]
    head = [
        f"Model {evaluation.version[:12]} on {len(evaluation.photos)} photos, beam {evaluation.beam} (scores x 100)",
        *_warning(evaluation),
    ]
    return "\n".join([*head, *(f"  {name:<26}{value:>6}" for name, value, _ in rows)])


def photo_scores_csv(evaluation: Evaluation) -> str:
    """Per-photo scores x 100 as CSV with a header, in order of photo id. Each row names its scorer."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["id", "file", "caption", "CIDEr", "BLEU-4", "scorer"])
    for photo in sorted(evaluation.photos, key=lambda photo: photo.id):
        score = evaluation.scores.photos[photo.id]
        figures = [f"{score.cider:.4f}", f"{score.bleu_4:.4f}"]
        row = [photo.id, photo.path.name, evaluation.captions[photo.id], *figures, evaluation.scorer.name]
        writer.writerow(row)
    return file.getvalue()


def comparison_text(comparison: Comparison, a: Evaluation, b: Evaluation) -> str:
    """A table for the terminal."""
    lines = [
        f"{name} is {each.bundle}, model {each.version[:12]}, beam {each.beam}" for name, each in (("A", a), ("B", b))
    ]
    lines += [
        f"{comparison.photos} photos, {comparison.resamples:,} resamples (scores x 100)",
        *_warning(a),
        f"  {'':<8}{'A':>7}{'B':>7}{'A - B':>8}   {'95% interval':<18}A better in",
    ]
    lines += [_difference_text("CIDEr", comparison.cider), _difference_text("BLEU-4", comparison.bleu_4)]
    return "\n".join(lines)


def _difference_text(name: str, found: Difference) -> str:
    interval = f"{found.low:+.2f} to {found.high:+.2f}"
    return (
        f"  {name:<8}{found.a:>7.2f}{found.b:>7.2f}{found.difference:>+8.2f}   {interval:<18}"
        f"{found.a_better:.1%} of the resamples"
    )


def _warning(evaluation: Evaluation) -> list[str]:
    return [] if evaluation.scorer.comparable else [f"  {evaluation.scorer.name.upper()}"]
