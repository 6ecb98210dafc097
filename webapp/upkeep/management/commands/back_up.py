"""`manage.py back_up FOLDER`: copies the data folder. The site may run meanwhile."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from webapp.errors import SiteError
from webapp.upkeep.services.data_folder_backup import (
    backup_copy,
    backup_database,
    backup_files,
    backup_missing,
    backup_target_check,
)


class Command(BaseCommand):
    help = (
        "Copies the data folder: first the current database, then photos, models and secrets. The site may run "
        "meanwhile. Another run on the same folder copies only new files. To restore, see docs/backup.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER", help="a new folder, or an earlier backup")

    def handle(self, *, folder: Path, **options: Any) -> None:
        try:
            backup_target_check(folder)
            embedded = backup_database(folder)
            files = backup_files(folder)
            copied = tqdm(backup_copy(files), total=len(files), unit="file", disable=not sys.stderr.isatty())
            count = sum(copied)
        except SiteError as error:
            raise CommandError(error.message) from error
        except OSError as error:
            raise CommandError(f"{folder} cannot be written ({error.strerror}). Name a writable folder.") from error
        self.stdout.write(f"{count:,} files copied to {folder}.")
        if not embedded:
            self.stdout.write("The database is on a server. Dump it with pg_dump before each run of this command.")
        if missing := backup_missing(folder):
            named = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
            raise CommandError(
                f"{len(missing):,} photos in the database have no file: {named}. They were deleted meanwhile, or "
                "files are missing from the media folder. Run this again."
            )
