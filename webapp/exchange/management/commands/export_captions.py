"""`manage.py export_captions --format csv --output FILE`: writes captions, with or without the photos, to a file."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from webapp.accounts.models import User
from webapp.batches.models import Batch
from webapp.errors import SiteError
from webapp.exchange.export_order import ExportOrder, Format
from webapp.exchange.services.export_files import export_target_check, export_write
from webapp.exchange.services.exports import Export, photos_text


class Command(BaseCommand):
    help = (
        "Writes the texts of photos to a file. Rejected texts and photos without a text are left out. Exit status 1 "
        "if a photo's file could not be read: the archive then names it in MISSING.txt. The site may run meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--format",
            required=True,
            choices=Format.values,
            help="csv, jsonl (Hugging Face imagefolder) and coco list all captions; txt and xmp are zips of side-cars",
        )
        parser.add_argument("--output", required=True, type=Path, metavar="FILE", help="an older file is replaced")
        parser.add_argument("--with-photos", action="store_true", help="a zip that also holds the original photos")
        parser.add_argument("--user", default="", metavar="NAME", help="only this account's photos (default: all)")
        parser.add_argument("--batch", type=int, metavar="ID", help="only photos of this batch")
        parser.add_argument("--query", default="", metavar="TEXT", help="only photos that this search finds")
        parser.add_argument("--reviewed", action="store_true", help="only texts that a person approved or wrote")
        parser.add_argument("--all", action="store_true", help="also rejected texts, and photos without a text")

    def handle(self, *, output: Path, user: str, batch: int | None, **options: Any) -> None:
        order = ExportOrder(
            format=Format(options["format"]),
            owner=_owner(user),
            batch=_batch(batch),
            query=options["query"],
            reviewed=options["reviewed"],
            everything=options["all"],
            with_photos=options["with_photos"],
        )
        try:
            export_target_check(output, order=order)
            with tqdm(unit="photo", disable=not sys.stderr.isatty()) as bar:
                export = Export(order, step=bar.update)
                bar.reset(total=len(export.ids))
                export_write(export, output)
        except SiteError as error:
            raise CommandError(error.message) from error
        for line in export.missing:
            self.stderr.write(line)
        self.stdout.write(f"{output}: {export.summary()}")
        if export.missing:
            raise CommandError(
                f"{photos_text(len(export.missing))} could not be read and left out of {output}: see above. "
                "Mount the media folder, or restore the files, then run this again."
            )


def _owner(name: str) -> User | None:
    owner = User.objects.filter(username=name).first()
    if name and owner is None:
        raise CommandError(f"There is no account {name!r}. Name an account with --user, or leave it out for all.")
    return owner


def _batch(batch_id: int | None) -> Batch | None:
    batch = Batch.objects.filter(pk=batch_id).first() if batch_id is not None else None
    if batch_id is not None and batch is None:
        raise CommandError(f"There is no batch {batch_id}. The address of a batch's page has its number.")
    return batch
