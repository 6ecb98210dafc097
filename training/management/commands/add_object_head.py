"""`manage.py add_object_head`: a model bundle, and the same one that also says what its encoder's classifier sees."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from training.management.missing_packages import package_missing


class Command(BaseCommand):
    help = (
        "Writes a copy of a model bundle that also uses the classifier its encoder grew from: objects are told beside "
        "the captions, and captions can use words they were never taught. Described photos say how far each word of "
        "the classifier is trusted and how sure it really is."
    )
    requires_system_checks: list[str] = []  # no site and no database are needed

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("bundle", type=Path, metavar="BUNDLE", help="the model bundle")
        add("destination", type=Path, metavar="DESTINATION", help="the folder to write, which must not exist")
        add("--images", type=Path, required=True, metavar="DIR", help="the photos that the captioner was trained on")
        add("--captions", type=Path, required=True, metavar="FILE", help="their captions, COCO captions JSON")
        for name, what in (("images", "folders of other photos"), ("captions", "their captions")):
            add(f"--calibration-{name}", type=Path, nargs="+", required=True, metavar="PATH", help=what)
        for name, what in (("images", "folder of the photos"), ("captions", "the captions")):
            help_ = f"{what} that the bundle's scores are of; they are scored again"
            add(f"--validation-{name}", type=Path, required=True, metavar="PATH", help=help_)
        add(
            "--shared-tuned",
            type=int,
            default=0,
            metavar="N",
            help="fine-tuned stages of the encoder that the classifier takes over, to be faster (default: 0)",
        )
        add("--json", action="store_true", help="print one JSON object instead of text")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from captioner.errors import CaptionerError
            from training.data.dataset import dataset_read
            from training.errors import TrainingError
            from training.objects.object_bundle import object_head_add
        except ModuleNotFoundError as error:
            raise package_missing("An object head", error) from error
        if options["destination"].exists():
            raise CommandError(f"{options['destination']} exists already. Choose another place.")
        try:
            found = object_head_add(
                options["bundle"],
                options["destination"],
                photos=dataset_read([options["captions"]], images=[options["images"]]).photos,
                calibration=dataset_read(options["calibration_captions"], images=options["calibration_images"]).photos,
                validation=dataset_read([options["validation_captions"]], images=[options["validation_images"]]).photos,
                shared_tuned=options["shared_tuned"],
            )
        except (CaptionerError, TrainingError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(found))
            return
        self.stdout.write(f"{options['destination']}: temperature {found['temperature']}")
        self.stdout.write("probability of the likeliest object -> share of photos in which people name it")
        for each in found["reliability"]:
            self.stdout.write(f"  {each['probability']:.2f} -> {each['named']:.2f}  ({each['photos']} photos)")
