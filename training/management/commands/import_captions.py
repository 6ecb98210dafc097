"""`manage.py import_captions`: captions of other forms, made into COCO's form, which the trainer reads."""

import shlex
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

if TYPE_CHECKING:
    from captioner.tally import Tally
    from training.data.captions_import import ImportedPhoto


class Command(BaseCommand):
    help = (
        "Writes COCO captions JSON from Karpathy's dataset JSON (one file for each split) or from lines of a file name "
        "and a caption (CSV, or parted by semicolon, bar or tab, as Flickr8k and Flickr30k come)."
    )
    requires_system_checks: list[str] = []  # no site and no database are needed

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=Path, metavar="SOURCE", help="the file to read")
        parser.add_argument("--from", dest="form", required=True, choices=("karpathy", "csv"), help="its form")
        parser.add_argument(
            "--output",
            type=Path,
            required=True,
            metavar="PATH",
            help="the file to write; for splits the folder, where captions_train.json, captions_val.json, ... are made",
        )
        parser.add_argument(
            "--validation",
            type=float,
            metavar="SHARE",
            help="csv: keep this share of the photos (such as 0.1) to validate on, the same ones every time",
        )
        parser.add_argument("--verbose", action="store_true", help="name each caption that is left out")
        parser.add_argument("--force", action="store_true", help="overwrite files that are there")

    def handle(self, *args: Any, **options: Any) -> None:
        from captioner.tally import Tally, tallies_lines
        from training.atomic_files import file_write
        from training.data.captions_import import captions_json
        from training.errors import TrainingError

        tally = Tally()
        try:
            files = _files(options, tally)
            _output_check(options["source"], list(files), force=options["force"])
            for path, photos in files.items():
                file_write(path, captions_json(photos))
                captions = sum(len(photo.captions) for photo in photos)
                self.stdout.write(f"{path}: {len(photos):,} photos, {captions:,} captions")
        except TrainingError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Next: manage.py inspect_dataset --captions {shlex.join(map(str, files))} --images DIR --output page.html"
        )
        for line in tallies_lines({"Captions": tally}, verbose=options["verbose"]):
            self.stdout.write(line)


def _files(options: dict[str, Any], tally: "Tally") -> dict[Path, "list[ImportedPhoto]"]:
    """The files to write, and their photos."""
    from training.data.captions_csv import csv_read
    from training.data.captions_import import photos_divide
    from training.data.captions_karpathy import karpathy_read

    source, output, share = options["source"], options["output"], options["validation"]
    if options["form"] == "karpathy":
        if share is not None:
            raise CommandError("--validation is for csv: Karpathy's files say themselves which photos validate.")
        splits = karpathy_read(source, tally)
    elif share is None:
        if output.is_dir():
            raise CommandError(f"--output is {output}, which is a folder: give the name of a file, or --validation.")
        return {output: csv_read(source, tally)}
    else:
        splits = photos_divide(csv_read(source, tally), share=share)
    if output.exists() and not output.is_dir():
        raise CommandError(f"--output is {output}, which is a file: give a folder for the splits' files.")
    return {output / f"captions_{split}.json": photos for split, photos in splits.items()}


def _output_check(source: Path, paths: list[Path], *, force: bool) -> None:
    for path in paths:
        if path.resolve() == source.resolve():
            raise CommandError(f"--output is {path}, which is the file that is read: give another name.")
    if not force and (there := [str(path) for path in paths if path.exists()]):
        raise CommandError(f"{', '.join(there)} is there already: give another --output, or --force to overwrite.")
