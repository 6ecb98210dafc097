"""`manage.py recover_media [--dry-run]`: recovers photos and zips whose rows are missing."""

import json
import sys
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from webapp.accounts.models import User
from webapp.errors import SiteError
from webapp.upkeep.selectors import identity_problem
from webapp.upkeep.services.media_recovery import Outcome, Recovered, media_recover, recovering

UNDONE = (Outcome.NO_ACCOUNT, Outcome.FAILED)


class Command(BaseCommand):
    help = (
        "Creates the rows of photos and zips in the data folder that the database does not know, for example after an "
        "older database was restored. Each returns to its owner under its name. Captions are written anew. Exit status "
        "1 if a photo or zip could not be recovered."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only list what would be recovered")
        parser.add_argument(
            "--user", default="", metavar="NAME", help="the account that gets the files of missing accounts"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object for each photo or zip")

    def handle(self, *, dry_run: bool, user: str, **options: Any) -> None:
        others_to = User.objects.filter(username=user).first() if user else None
        if user and others_to is None:
            raise CommandError(
                f"There is no account {user!r}. Name an account with --user; create one on the sign-up page."
            )
        if problem := identity_problem():
            self.stderr.write(problem)
        counts = Counter[Outcome]()
        try:
            with recovering() as lost, tqdm(total=len(lost), unit="file", disable=not sys.stderr.isatty()) as bar:
                for each in media_recover(lost=lost, others_to=others_to, dry_run=dry_run):
                    counts[each.outcome] += 1
                    bar.clear()
                    self.stdout.write(_json(each) if options["json"] else _line(each, dry_run=dry_run))
                    bar.update()
        except SiteError as error:
            raise CommandError(error.message) from error
        said = ", ".join(f"{counts[outcome]:,} {outcome.value}" for outcome in Outcome if counts[outcome])
        found = f"{len(lost):,} found without a row"
        summary = f"{found}: {said}." if lost else "Every file in the media folder has its row."
        self.stderr.write(f"{summary} Nothing was changed." if dry_run and lost else summary)
        if any(counts[outcome] for outcome in UNDONE):
            sys.exit(1)


def _line(each: Recovered, *, dry_run: bool) -> str:
    word = "would be recovered" if dry_run and each.outcome is Outcome.RECOVERED else each.outcome.value
    owner = each.label.owner or "an unknown owner"
    return f"{each.label.name or each.label.sha256[:12]} of {owner}: {word}. {each.message}".rstrip()


def _json(each: Recovered) -> str:
    label = each.label
    return json.dumps(
        {
            "kind": each.kind,
            "owner": label.owner,
            "name": label.name,
            "sha256": label.sha256,
            "stored_at": label.stored_at,
            "outcome": each.outcome.value,
            "message": each.message,
        },
        ensure_ascii=False,
    )
