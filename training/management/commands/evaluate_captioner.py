"""`manage.py evaluate_captioner`: how good a model bundle's captions are, or which of two bundles is better."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from captioner.config import BEAM_MAX
from training.management.missing_packages import package_missing

if TYPE_CHECKING:
    from captioner.tally import Tally
    from training.data.dataset import CaptionedPhoto
    from training.scoring.bundle_evaluation import Evaluation


class Command(BaseCommand):
    help = (
        "Captions the photos of a COCO captions file with a model bundle, as a worker would, and scores the captions "
        "against those of people with COCO's own scorer (x 100). Without Java, which that needs, it scores them by "
        "other means and says that such scores do not compare with published ones."
    )
    requires_system_checks: list[str] = []  # no site and no database are needed

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--bundle", type=Path, metavar="DIR", help="the model bundle (default: FOVEA_DEFAULT_BUNDLE)")
        add("--images", type=Path, required=True, metavar="DIR", help="the folder of the photos")
        add("--captions", type=Path, required=True, metavar="FILE", help="COCO captions JSON")
        add("--beam", type=int, metavar="N", help="width of the beam search (default: the bundle's)")
        add(
            "--limit",
            type=int,
            metavar="N",
            help="score N photos only, the same ones every time: the first by SHA-256 of the file name",
        )
        add("--device", default="cpu", help="cpu, cuda, cuda:1, ... or auto (cpu)")
        add("--verbose", action="store_true", help="name each photo, caption and file that is left out")
        add("--skip-bad", action="store_true", help="leave out photos that are missing, unreadable or captionless")
        add("--json", action="store_true", help="print one JSON object instead of a table")
        add("--scores", type=Path, metavar="FILE", help="write the scores of each photo there, as CSV")
        add("--page", type=Path, metavar="FILE", help="write a page of the best and worst photos there, as HTML")
        add(
            "--compare",
            type=Path,
            nargs=2,
            metavar="BUNDLE",
            help="instead: are captions of bundle A better than those of B? A paired bootstrap over the same photos",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        _options_check(options)
        try:
            from captioner.errors import CaptionerError
            from captioner.tally import tallies_lines
            from training.errors import TrainingError
            from training.scoring.evaluation_report import comparison_text, evaluation_text
            from training.scoring.model_comparison import scores_compare
        except ModuleNotFoundError as error:
            raise package_missing("Scoring", error) from error
        try:
            photos, tallies = self._photos(options)
            for bundle in options["compare"] or [options["bundle"] or settings.DEFAULT_BUNDLE]:
                self._warn(bundle, photos)
            if options["compare"]:
                a, b = (_evaluated(bundle, photos, options) for bundle in options["compare"])
                found = scores_compare(a.scores, b.scores)
                report = {"a": a.to_dict(), "b": b.to_dict(), "comparison": found.to_dict()}
                self.stdout.write(json.dumps(report) if options["json"] else comparison_text(found, a, b))
            else:
                bundle = options["bundle"] or settings.DEFAULT_BUNDLE
                evaluation = _evaluated(bundle, photos, options, meteor=True, focus=True)
                self.stdout.write(json.dumps(evaluation.to_dict()) if options["json"] else evaluation_text(evaluation))
                _files_write(evaluation, scores=options["scores"], page=options["page"])
        except (CaptionerError, TrainingError) as error:
            raise CommandError(str(error)) from error
        out = self.stderr if options["json"] else self.stdout
        for line in tallies_lines(tallies, verbose=options["verbose"]):
            out.write(line)

    def _photos(self, options: dict[str, Any]) -> "tuple[list[CaptionedPhoto], dict[str, Tally]]":
        """The photos to score, and counts of all that were found and of their captions."""
        from training.data.dataset import dataset_read, datasets_count, photos_sample

        dataset = dataset_read([options["captions"]], images=[options["images"]], skip_bad=options["skip_bad"])
        tallies = datasets_count(dataset)
        chosen = photos_sample(dataset.photos, limit=options["limit"])
        if len(chosen) < len(dataset.photos):
            kept = {photo.id for photo in chosen}
            for photo in dataset.photos:
                if photo.id not in kept:
                    tallies["Photos"].withdraw(photo.path, "beyond --limit")
                    for text in photo.captions:
                        tallies["Captions"].withdraw(repr(text), "beyond --limit")
        return chosen, tallies

    def _warn(self, bundle: Path, photos: "list[CaptionedPhoto]") -> None:
        """Warns if the scores of a bundle mean little. Raises BundleError."""
        from captioner.bundle import bundle_describe
        from training.data.caption_checks import scoring_concerns

        described = bundle_describe(bundle)
        if failure := described["metrics"].get("failed"):
            self.stderr.write(f"Warning: The training that made {bundle} failed. {failure}")
        for concern in scoring_concerns(photos, words=described["vocabulary"], bundle=bundle):
            self.stderr.write(f"Warning: {concern.message}")


def _options_check(options: dict[str, Any]) -> None:
    """Raises CommandError now for options that would fail after minutes of captioning."""
    for name in ("beam", "limit"):
        if options[name] is not None and options[name] < 1:
            raise CommandError(f"--{name} is {options[name]}; give 1 or more.")
    if (options["beam"] or 1) > BEAM_MAX:
        raise CommandError(f"--beam is {options['beam']}; give {BEAM_MAX} or less.")
    if options["compare"] and (other := [name for name in ("bundle", "scores", "page") if options[name]]):
        raise CommandError(f"--compare names two bundles and only prints; leave --{other[0]} out.")
    files = {name: options[name] for name in ("scores", "page") if options[name]}
    for name, path in files.items():
        if not path.parent.is_dir():
            raise CommandError(f"--{name} is {path}, but there is no folder {path.parent}: make it first.")
        if path.is_dir():
            raise CommandError(f"--{name} is {path}, which is a folder: give the name of a file.")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise CommandError(f"--{name} is {path}, which this user may not write: choose another place.")
    if len({path.resolve() for path in files.values()}) < len(files):
        raise CommandError(f"--scores and --page are the same file {options['page']}: give two.")


def _evaluated(
    bundle: Path, photos: "list[CaptionedPhoto]", options: dict[str, Any], *, meteor: bool = False, focus: bool = False
) -> "Evaluation":
    from training.scoring.bundle_evaluation import bundle_evaluate

    return bundle_evaluate(
        bundle, photos=photos, beam=options["beam"], meteor=meteor, focus=focus, device=options["device"]
    )


def _files_write(evaluation: "Evaluation", *, scores: Path | None, page: Path | None) -> None:
    from training.atomic_files import file_write
    from training.errors import FileError
    from training.pages.evaluation_page import evaluation_page
    from training.scoring.evaluation_report import photo_scores_csv

    for path, make in ((scores, photo_scores_csv), (page, evaluation_page)):
        if path is not None:
            try:
                file_write(path, make(evaluation))
            except FileError as error:
                raise CommandError(str(error)) from error
