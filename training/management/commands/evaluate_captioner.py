"""`manage.py evaluate_captioner`: how good a model bundle's captions are."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from captioner.config import BEAM_MAX

if TYPE_CHECKING:
    from training.scoring.evaluate import Evaluation


class Command(BaseCommand):
    help = (
        "Captions the photos of a COCO captions file with a model bundle, as a worker would, and scores the captions "
        "against those of people with COCO's own scorer (x 100)."
    )
    requires_system_checks: list[str] = []  # no site and no database are needed

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="the model bundle")
        parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="the folder of the photos")
        parser.add_argument("--captions", type=Path, required=True, metavar="FILE", help="COCO captions JSON")
        parser.add_argument("--beam", type=int, metavar="N", help="width of the beam search (default: the bundle's)")
        parser.add_argument(
            "--limit",
            type=int,
            metavar="N",
            help="score N photos only, the same ones every time: the first by SHA-256 of the file name",
        )
        parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, ... or auto (cpu)")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in ("beam", "limit"):
            if options[name] is not None and options[name] < 1:
                raise CommandError(f"--{name} is {options[name]}; give 1 or more.")
        if (options["beam"] or 1) > BEAM_MAX:
            raise CommandError(f"--beam is {options['beam']}; give {BEAM_MAX} or less.")
        try:
            from captioner.errors import CaptionerError
            from training.errors import TrainingError
            from training.scoring.evaluate import bundle_evaluate
        except ModuleNotFoundError as error:
            raise CommandError(
                f"Scoring needs the Python package {error.name!r}, which is not installed here. "
                "Run: pip install -r training/requirements.txt -c constraints.txt"
            ) from error
        try:
            evaluation = bundle_evaluate(
                options["bundle"],
                images=options["images"],
                captions=options["captions"],
                beam=options["beam"],
                limit=options["limit"],
                meteor=True,
                device=options["device"],
            )
        except (CaptionerError, TrainingError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_json(evaluation) if options["json"] else _table(evaluation))


def _json(evaluation: "Evaluation") -> str:
    return json.dumps(
        {
            "version": evaluation.version,
            "photos": evaluation.photos,
            "beam": evaluation.beam,
            "scores": evaluation.scores.to_dict(),
            "faults": evaluation.faults.to_dict(),
        }
    )


def _table(evaluation: "Evaluation") -> str:
    scores, faults = evaluation.scores, evaluation.faults
    rows = [
        ("BLEU-1", f"{scores.bleu_1:6.1f}"),
        ("BLEU-2", f"{scores.bleu_2:6.1f}"),
        ("BLEU-3", f"{scores.bleu_3:6.1f}"),
        ("BLEU-4", f"{scores.bleu_4:6.1f}"),
        ("ROUGE-L", f"{scores.rouge_l:6.1f}"),
        ("METEOR", "     - (its Java program did not run)" if scores.meteor is None else f"{scores.meteor:6.1f}"),
        ("CIDEr", f"{scores.cider:6.1f}"),
        ("Distinct captions", f"{faults.distinct:6.1%}"),
        ("Ending in a function word", f"{faults.function_word_endings:6.1%}"),
        ("Repeated trigrams", f"{faults.repeated_trigrams:6.1%}"),
        ("Words per caption", f"{faults.mean_words:6.1f}"),
    ]
    head = f"Model {evaluation.version[:12]} on {evaluation.photos} photos, beam {evaluation.beam} (scores x 100)"
    return "\n".join([head, *(f"  {name:<26}{value}" for name, value in rows)])
