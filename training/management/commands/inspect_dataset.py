"""`manage.py inspect_dataset`: a page to look at a data set before training on it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from training.management.missing_packages import package_missing

PHOTOS = 24


class Command(BaseCommand):
    help = (
        "Writes one HTML page of COCO captions and their photos: a sample of them, lengths of captions, the vocabulary "
        "by threshold, and which photos are missing, unreadable or captionless. The exit status is 1 where any is."
    )
    requires_system_checks: list[str] = []  # no site and no database are needed

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--captions", type=Path, nargs="+", required=True, metavar="FILE", help="COCO captions JSON")
        add(
            "--images",
            type=Path,
            nargs="+",
            required=True,
            metavar="DIR",
            help="the folder of the photos, or one for each captions file",
        )
        add("--output", type=Path, required=True, metavar="FILE", help="the page to write, such as page.html")
        add("--verbose", action="store_true", help="name each photo, caption and file that is left out")
        add("--photos", type=int, default=PHOTOS, metavar="N", help=f"how many photos are shown ({PHOTOS})")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from captioner.errors import CaptionerError
            from captioner.tally import tallies_lines
            from training.atomic_files import file_write
            from training.data.dataset_inspection import dataset_inspect
            from training.errors import TrainingError
            from training.pages.dataset_page import dataset_page
        except ModuleNotFoundError as error:
            raise package_missing("Inspecting photos", error) from error
        output = options["output"]
        if options["photos"] < 0:
            raise CommandError(f"--photos is {options['photos']}; give 0 or more.")
        if output.is_dir():
            raise CommandError(f"--output is {output}, which is a folder: give the name of a file.")
        if output.resolve() in {path.resolve() for path in options["captions"]}:
            raise CommandError(f"--output is {output}, which is one of the captions files: give another name.")
        try:
            inspection = dataset_inspect(options["captions"], images=options["images"])
            file_write(output, dataset_page(inspection, photos=options["photos"]))
        except (CaptionerError, TrainingError) as error:
            raise CommandError(str(error)) from error
        for concern in inspection.concerns:
            self.stderr.write(f"Warning: {concern.message}")
        self.stdout.write(f"Open {output} in a browser.")
        for line in tallies_lines(inspection.tallies, verbose=options["verbose"]):
            self.stdout.write(line)
        if bad := inspection.dataset.bad:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in inspection.bad_counts.items())
            total = len(bad) + len(inspection.dataset.photos)
            raise CommandError(
                f"{len(bad):,} of {total:,} photos that the captions name cannot be trained on: {reasons}. {output} "
                "names them."
            )
