"""`manage.py build_vocabulary`: the vocabulary of captions, and how much of them it knows."""

from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from training.management.missing_packages import package_missing

if TYPE_CHECKING:
    from training.data.vocabulary_builder import ThresholdRow

COMMONEST = 10  # words shown


class Command(BaseCommand):
    help = (
        "Builds a vocabulary from COCO captions JSON, as train_captioner does, writes it as a bundle's vocab.json, and "
        "prints how much of the captions it knows, and what other thresholds would."
    )
    requires_system_checks: list[str] = []  # no site and no database are needed

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--captions", type=Path, nargs="+", required=True, metavar="FILE", help="COCO captions JSON")
        add("--threshold", type=int, default=5, metavar="N", help="a word must occur this often to be kept (5)")
        add("--output", type=Path, required=True, metavar="FILE", help="the vocabulary to write, such as vocab.json")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from captioner.errors import CaptionerError
            from captioner.vocabulary import SPECIALS, UNKNOWN
            from training.atomic_files import file_write
            from training.data.caption_checks import captions_concerns
            from training.data.coco_captions import captions_read
            from training.data.vocabulary_builder import THRESHOLDS, vocabulary_build, vocabulary_thresholds
            from training.errors import TrainingError
        except ModuleNotFoundError as error:
            raise package_missing("Building a vocabulary", error) from error
        threshold, output = options["threshold"], options["output"]
        if threshold < 1:
            raise CommandError(f"--threshold is {threshold}; give 1 or more.")
        if output.resolve() in {path.resolve() for path in options["captions"]}:
            raise CommandError(f"--output is {output}, which is one of the captions files: give another name.")
        try:
            captions = captions_read(options["captions"])
            vocabulary = vocabulary_build(captions, threshold=threshold)
            rows = vocabulary_thresholds(captions, thresholds=sorted({*THRESHOLDS, threshold}))
            concerns = captions_concerns(captions, threshold=threshold)
            file_write(output, vocabulary.to_json())
        except (CaptionerError, TrainingError) as error:
            raise CommandError(str(error)) from error
        for concern in concerns:
            self.stderr.write(f"Warning: {concern.message}")
        count, first = len(vocabulary) - len(SPECIALS), len(SPECIALS)
        coverage = next(row.coverage for row in rows if row.threshold == threshold)
        commonest = [
            f"{word} {times:,}" for word, times in zip(vocabulary.words[first:], vocabulary.counts[first:], strict=True)
        ][:COMMONEST]
        self.stdout.write(
            f"{output}: {count:,} words that occur {threshold} times or more in {len(captions):,} captions.\n"
            f"Commonest: {', '.join(commonest)}.\n"
            f"Unknown words: {coverage.unknown_rate:.2%} of all "
            f"{sum(vocabulary.counts):,} ({vocabulary.counts[UNKNOWN]:,}).\n"
            f"Captions without an unknown word: {coverage.captions_whole:.2%}.\n\n" + _table(rows, threshold)
        )


def _table(rows: "list[ThresholdRow]", threshold: int) -> str:
    lines = [f"{'Threshold':>10}  {'Words':>8}  {'Unknown words':>13}  {'Captions known whole':>20}"]
    for row in rows:
        mark = ">" if row.threshold == threshold else " "
        lines.append(
            f"{mark}{row.threshold:>9}  {row.words:>8,}  {row.coverage.unknown_rate:>13.2%}  "
            f"{row.coverage.captions_whole:>20.2%}"
        )
    return "\n".join(lines)
