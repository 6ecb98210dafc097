"""`manage.py check_texts [--repair] [--json]`: whether each photo's text is what its captions and decisions say."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection
from tqdm import tqdm

from webapp.captioning.services.texts import Difference, texts_check
from webapp.photos.models import Photo
from webapp.photos.search_index import index_build, index_differs


class Command(BaseCommand):
    help = (
        "Works out the text of each photo anew from its captions and decisions, and compares it with what stands in "
        "its row; then the index that searches use. Exit status 1 where they differ. The site may run meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="correct the rows and build the index anew")
        parser.add_argument("--json", action="store_true", help="one JSON object for each difference, then the counts")

    def handle(self, *, repair: bool, **options: Any) -> None:
        index_wrong = index_differs(connection)
        if index_wrong and repair:  # first: a damaged index lets no row be written
            index_build(connection)
        total, wrong = Photo.objects.count(), 0
        with tqdm(total=total, unit="photo", disable=not sys.stderr.isatty()) as bar:
            for looked_at, differences in texts_check(repair=repair):
                bar.update(looked_at)
                wrong += len(differences)
                for difference in differences:
                    bar.clear()
                    self.stdout.write(_json(difference) if options["json"] else str(difference))
        self._tell(photos=total, wrong=wrong, index_wrong=index_wrong, repair=repair, as_json=options["json"])
        if (wrong or index_wrong) and not repair:
            sys.exit(1)

    def _tell(self, *, photos: int, wrong: int, index_wrong: bool, repair: bool, as_json: bool) -> None:
        if as_json:
            counts = {"photos": photos, "differ": wrong, "index_differs": index_wrong, "repaired": repair}
            self.stdout.write(json.dumps(counts))
            return
        remedy = " They are repaired." if repair else " Run this again with --repair."
        if wrong:
            self.stdout.write(f"{wrong:,} of {photos:,} photos have another text than their captions say.{remedy}")
        if index_wrong:
            self.stdout.write(f"The search index differs from the rows.{remedy.replace('They are', 'It is')}")
        if not (wrong or index_wrong):
            self.stdout.write(f"{photos:,} photos have the text that their captions and decisions say.")


def _json(difference: Difference) -> str:
    return json.dumps(
        {
            "photo": difference.photo_id,
            "name": difference.name,
            "stands": asdict(difference.stands),
            "should": asdict(difference.should),
            "captions": difference.captions,
        },
        ensure_ascii=False,
        default=str,
    )
