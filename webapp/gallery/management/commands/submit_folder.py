"""`manage.py submit_folder DIR --user NAME [--name BATCH] [--dry-run]`: a folder of photos as one batch."""

import sys
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from webapp.accounts.models import User
from webapp.gallery.errors import GalleryError
from webapp.gallery.services.batches import batch_create_from_folder, batch_folder_take, folder_files


class Command(BaseCommand):
    help = "Submits the photos of a folder, and of those in it, as one batch. Run again, it goes on where it stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--user", required=True, metavar="NAME", help="the account that will own the photos")
        parser.add_argument("--name", default="", metavar="BATCH", help="the batch's name; the folder's if left out")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be submitted")

    def handle(self, *, folder: Path, user: str, name: str, dry_run: bool, **options: Any) -> None:
        owner = User.objects.filter(username=user).first()
        if owner is None:
            raise CommandError(
                f"There is no account {user!r}. Name one with --user; accounts are made on the sign-up page."
            )
        try:
            if dry_run:
                for file in folder_files(folder):
                    self.stdout.write(file)
                return
            self._submit(owner, folder, name)
        except GalleryError as error:
            raise CommandError(error.message) from error

    def _submit(self, owner: User, folder: Path, name: str) -> None:
        batch = batch_create_from_folder(owner=owner, folder=folder, name=name)
        total = batch.items.count()
        before = batch.items.exclude(photo=None).count()
        counts = Counter[str]()
        with tqdm(total=total, initial=before, unit="photo", disable=not sys.stderr.isatty()) as bar:
            for item in batch_folder_take(batch=batch, folder=folder):
                counts["failed" if item.error_code else "taken in"] += 1
                if item.error_code:
                    bar.clear()
                    self.stderr.write(f"{item.name}: {item.error_message}")
                bar.update()
        self.stdout.write(
            f"{batch.name}: {counts['taken in']} taken in, {before} were before, {counts['failed']} failed, "
            f"of {total}. See {batch.get_absolute_url()}"
        )
        if counts["failed"]:
            raise CommandError(
                f"{counts['failed']} of {total} files could not be taken in; correct them and run this again."
            )
