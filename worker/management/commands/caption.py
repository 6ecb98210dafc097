"""`manage.py caption`: captions on the terminal, with no server, queue or database."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from captioner.config import BEAM_MAX
from worker.captioned_files import BATCH, Captioned, Failed, name_shown, outcome_count, photos_caption

if TYPE_CHECKING:
    from captioner.inference import Captioner

FIGURE_SUFFIXES = (".png", ".pdf", ".svg")


class Command(BaseCommand):
    help = (
        "Captions photos and prints one line for each, or writes COCO results of those that a COCO file names. "
        "The exit status is 1 when a photo could not be captioned."
    )
    requires_system_checks: list[str] = []  # no site and no database are needed

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("photos", nargs="*", metavar="PHOTO", help="JPEG, PNG, WebP, AVIF, HEIC, TIFF or GIF")
        parser.add_argument("--bundle", type=Path, metavar="DIR", help="the model (default: FOVEA_DEFAULT_BUNDLE)")
        parser.add_argument("--beam", type=int, metavar="N", help="width of the beam search (default: the bundle's)")
        parser.add_argument("--json", action="store_true", help="print one JSON object a line")
        parser.add_argument(
            "--attention",
            type=Path,
            metavar="FIGURE.png",
            help="draw where the model looked for each word: the photos below each other, one panel for each word",
        )
        coco = parser.add_argument_group("photos named by a COCO file, such as image_info_test2014.json")
        coco.add_argument("--coco", type=Path, metavar="FILE", help="caption the images of this file")
        coco.add_argument("--images", type=Path, metavar="DIR", help="the folder of its photos")
        coco.add_argument("--output", type=Path, metavar="FILE", help="where results are written, as COCO's JSON")
        coco.add_argument("--verbose", action="store_true", help="name the files in the folder that FILE does not name")
        coco.add_argument("--skip-bad", action="store_true", help="exit status 0 even if photos could not be captioned")

    def handle(self, *args: Any, **options: Any) -> None:
        _options_check(options)
        photos: list[str] = options["photos"]
        figure: Path | None = options["attention"]
        beam: int | None = options["beam"]
        if beam is not None and beam < 1:
            raise CommandError(f"--beam is {beam}; give 1 or more.")
        if beam is not None and beam > BEAM_MAX:
            raise CommandError(f"--beam is {beam}; give {BEAM_MAX} or less.")
        if options["coco"]:
            self._coco_caption(options)
            return
        captioner = _captioner_load(options["bundle"] or settings.DEFAULT_BUNDLE, photos=len(photos))
        if figure:
            _figure_check(figure, photos, captioner)
        from tqdm import tqdm

        from captioner.tally import Tally

        drawn: list[Captioned] = []
        tally = Tally()
        # The bar goes to the terminal's error stream, and is silent elsewhere and for photos that take a moment.
        with tqdm(total=len(photos), unit="photo", disable=None if len(photos) > BATCH else True) as bar:
            for outcome in photos_caption(captioner, photos, beam=beam):
                with tqdm.external_write_mode(file=sys.stdout):
                    self.stdout.write(json.dumps(outcome.to_dict()) if options["json"] else outcome.line())
                outcome_count(tally, outcome)
                if figure and isinstance(outcome, Captioned):
                    drawn.append(outcome)
                bar.update()
        if figure and drawn:
            _figure_write(figure, drawn, captioner)
        if len(photos) > 1:
            self.stderr.write(f"Photos: {tally}")  # beside the captions, which programs read
        if failed := len(tally.left):
            raise CommandError(f"{failed} of {len(photos)} photos could not be captioned: see above.")

    def _coco_caption(self, options: dict[str, Any]) -> None:
        """Writes the results of the photos that can be captioned, then names the others."""
        from captioner.tally import Tally, folders_unnamed
        from worker.coco_results import CocoError, coco_images_read, coco_results_write

        output: Path = options["output"]
        captions: dict[int, str] = {}
        failed: list[Failed] = []
        tally = Tally()
        try:
            images = coco_images_read(options["coco"], images=options["images"])
            if output.exists() and output.resolve() in {image.path.resolve() for image in images}:
                raise CommandError(f"--output is {output}, which is one of the photos: give another name.")
            captioner = _captioner_load(options["bundle"] or settings.DEFAULT_BUNDLE, photos=len(images))
            from tqdm import tqdm

            outcomes = photos_caption(captioner, [str(image.path) for image in images], beam=options["beam"])
            bar = tqdm(zip(images, outcomes, strict=True), total=len(images), unit="photo", disable=None)
            for image, outcome in bar:
                outcome_count(tally, outcome)
                if isinstance(outcome, Failed):
                    failed.append(outcome)
                else:
                    captions[image.id] = outcome.result.text
            if captions:
                coco_results_write(output, captions)
        except CocoError as error:
            raise CommandError(str(error)) from error
        for outcome in failed:
            self.stderr.write(outcome.line())
        count = f"{len(failed):,} of {len(images):,} photos could not be captioned: see above."
        if not captions:
            raise CommandError(f"{count} Nothing was written: check --images.")
        self.stdout.write(f"{output} holds captions of {len(captions):,} photos.")
        named = [image.path for image in images]
        unnamed = folders_unnamed([options["images"]], named, reason=f"not in {options['coco'].name}")
        for left_out in unnamed.left if options["verbose"] else ():
            self.stderr.write(str(left_out))
        tally.add(unnamed)
        self.stderr.write(f"Photos: {tally}")
        if failed and not options["skip_bad"]:
            raise CommandError(f"{count} Repair them, or accept it with --skip-bad.")
        if failed:
            self.stderr.write(count)


def _options_check(options: dict[str, Any]) -> None:
    """Which options go together, and whether results can be written."""
    coco: Path | None = options["coco"]
    if coco is None:
        if other := [name for name in ("images", "output", "skip_bad", "verbose") if options[name]]:
            raise CommandError(f"--{other[0].replace('_', '-')} is for photos that a --coco file names: give that too.")
        if not options["photos"]:
            raise CommandError("Name the photos to caption, or a --coco file that does.")
        return
    if options["photos"]:
        raise CommandError(f"Give either photos or --coco, not both: {options['photos'][0]}.")
    if other := [name for name in ("json", "attention") if options[name]]:
        raise CommandError(f"--{other[0]} is for photos named one by one: --coco writes its results as COCO's JSON.")
    if missing := [name for name in ("images", "output") if not options[name]]:
        raise CommandError(f"--coco needs --{missing[0]} too.")
    output: Path = options["output"]
    if output.is_dir():
        raise CommandError(f"--output is {output}, which is a folder: give the name of a file.")
    if not output.parent.is_dir():
        raise CommandError(f"--output is {output}, but there is no folder {output.parent}: make it first.")
    if not os.access(output.parent, os.W_OK):
        raise CommandError(
            f"--output is {output}, but this user may not write to {output.parent}: choose another place."
        )
    if output.resolve() == coco.resolve():
        raise CommandError(f"--output is {output}, which is the --coco file: give another name.")


def _captioner_load(bundle: Path, *, photos: int) -> Captioner:
    try:
        from captioner.engines import ACCELERATED
        from captioner.errors import CaptionerError
        from captioner.inference import Captioner
    except ModuleNotFoundError as error:
        raise CommandError(
            f"Captioning needs the Python package {error.name!r}, which is not installed here. "
            "Run: pip install -r worker/requirements.txt -c constraints.txt"
        ) from error
    try:
        exports = settings.CACHE_DIR if photos >= ACCELERATED else None
        return Captioner.load(bundle, device=settings.ENV["FOVEA_DEVICE"], exports=exports)
    except CaptionerError as error:
        raise CommandError(str(error)) from error


def _figure_check(figure: Path, photos: Sequence[str], captioner: Captioner) -> None:
    """Everything that can be known to be wrong before the photos are captioned."""
    try:
        from captioner.attention_figure import PHOTOS_MAX
    except ModuleNotFoundError as error:
        raise CommandError(
            f"--attention needs the Python package {error.name!r}, which is not installed here. "
            f"Run: pip install {error.name}"
        ) from error
    if figure.suffix.lower() not in FIGURE_SUFFIXES:
        raise CommandError(f"--attention is {figure}; its name must end in {', '.join(FIGURE_SUFFIXES)}.")
    if not figure.parent.is_dir():
        raise CommandError(f"--attention is {figure}, but there is no folder {figure.parent}: make it first.")
    if figure.exists() and any(Path(photo).exists() and figure.samefile(photo) for photo in photos):
        raise CommandError(f"--attention is {figure}, which is one of the photos: give another name.")
    if len(photos) > PHOTOS_MAX:
        raise CommandError(f"--attention draws {PHOTOS_MAX} photos at most, not {len(photos)}: name fewer photos.")
    if (name := captioner.config.decoder.name) != "show_attend_and_tell":
        raise CommandError(f"--attention needs a show_attend_and_tell model; {name} attends to nothing.")


def _figure_write(figure: Path, captioned: Sequence[Captioned], captioner: Captioner) -> None:
    from captioner.attention_figure import CaptionedPhoto, attention_figure_save, photo_aspect

    photos = [
        CaptionedPhoto(
            title=f"{name_shown(Path(photo.file).name)}: {photo.sentence()}",
            pixels=photo.pixels,
            aspect=photo_aspect(photo.file, preprocessing=captioner.preprocessing),
            result=photo.result,
        )
        for photo in captioned
    ]
    try:
        attention_figure_save(photos, figure)
    except OSError as error:
        raise CommandError(f"The attention figure {figure} cannot be written: {error}.") from error
