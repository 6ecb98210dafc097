"""`manage.py submit_folder DIR --user NAME`: submits a folder of photos as one batch."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from webapp.accounts.models import User
from webapp.batches.folder_listing import Found, folder_found, left_out
from webapp.batches.models import BatchItem
from webapp.batches.services.submissions import submission_create, submission_take
from webapp.batches.zip_reader import name_shown
from webapp.errors import SiteError
from webapp.photos.tally import Tally


class Command(BaseCommand):
    help = (
        "Submits the photos of a folder and its subfolders as one batch. Run it again to continue a stopped run and to "
        "add new or edited photos. Exit status 1 if a photo was found but not taken."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--user", required=True, metavar="NAME", help="the account that will own the photos")
        parser.add_argument("--name", default="", metavar="BATCH", help="the batch's name (default: the folder's)")
        parser.add_argument(
            "--submission",
            default="",
            metavar="ID",
            help="continue this submission, even if the folder was moved; an unknown id starts a new submission "
            "(default: the earlier submission of this folder, if there is one)",
        )
        parser.add_argument(
            "--deleted-too", action="store_true", help="also take photos that were deleted in the gallery"
        )
        parser.add_argument("--dry-run", action="store_true", help="only list the files that would be submitted")
        parser.add_argument(
            "--verbose", action="store_true", help="also list the files that are left out, with the reasons"
        )

    def handle(
        self,
        *,
        folder: Path,
        user: str,
        name: str,
        submission: str,
        deleted_too: bool,
        dry_run: bool,
        verbose: bool,
        **options: Any,
    ) -> None:
        owner = User.objects.filter(username=user).first()
        if owner is None:
            raise CommandError(
                f"There is no account {user!r}. Name an account with --user; create one on the sign-up page."
            )
        if len(submission) > 100 or not submission.isprintable():
            raise CommandError("--submission takes at most 100 printable characters. Choose a shorter id.")
        try:
            found = folder_found(folder)
            for file in found:
                if file.code and verbose:
                    self.stderr.write(f"{name_shown(file.path)}: left out. {file.message}")
            if dry_run:
                self._dry_run(found)
                return
            batch, gone = submission_create(owner=owner, folder=folder, found=found, name=name, submission=submission)
            tally = Tally(gone=gone)
            with tqdm(
                total=len(found), initial=left_out(found).total(), unit="file", disable=not sys.stderr.isatty()
            ) as bar:
                for item in submission_take(
                    batch=batch, folder=folder, found=found, tally=tally, deleted_too=deleted_too, step=bar.update
                ):
                    if item.outcome == BatchItem.Outcome.FAILED or (item.error_code and verbose):
                        bar.clear()
                        self.stderr.write(f"{item.name}: {item.error_message}")
        except SiteError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{batch.name}: {tally} See {batch.get_absolute_url()} (submission {batch.submission}).")
        if not tally.complete:
            raise CommandError(
                f"Not every photo of {name_shown(str(folder))} is in the gallery. "
                "Correct the problems listed above (--verbose lists all), then run this again."
            )

    def _dry_run(self, found: list[Found]) -> None:
        for file in found:
            if not file.code:
                self.stdout.write(name_shown(file.path))
        tally = Tally(left_out=left_out(found))
        wanted = len(found) - tally.found
        if not wanted:
            raise CommandError(f"There are no photos to take. {tally}")
        self.stdout.write(f"{len(found):,} found: {wanted:,} to take, {tally.left_out_text}.")
