"""`manage.py check_texts [--repair] [--json]`: compares texts, search index and counts with the rows they come from."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection
from tqdm import tqdm

from webapp.captioning.services.texts import Difference, texts_check
from webapp.counters.triggers import kept_differing, kept_mend
from webapp.photos.models import Photo
from webapp.photos.search_index import index_build, index_differs


class Command(BaseCommand):
    help = (
        "Computes each photo's text from its captions and decisions, and compares it with the stored text. Then "
        "checks the search index and the counts that pages show. Exit status 1 if something differs. The site may "
        "run meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--repair", action="store_true", help="correct the texts, and rebuild the index and the counts"
        )
        parser.add_argument(
            "--json", action="store_true", help="one JSON object per difference, then one with the totals"
        )

    def handle(self, *, repair: bool, **options: Any) -> None:
        index_wrong, counts_wrong = index_differs(connection), kept_differing(connection)
        if repair and index_wrong:  # first: with a damaged index no row can be written
            index_build(connection)
        if repair and counts_wrong:
            kept_mend(connection)
        photos = Photo.objects.count()
        wrong = self._texts(photos=photos, repair=repair, as_json=options["json"])
        if options["json"]:
            found = {"photos": photos, "differ": wrong, "index_differs": index_wrong, "counts_differ": counts_wrong}
            self.stdout.write(json.dumps(found | {"repaired": repair}))
        else:
            said = "It was repaired." if repair else "Run this again with --repair."
            if wrong:
                self.stdout.write(f"{wrong:,} of {photos:,} photos have a wrong text. {said}")
            if index_wrong:
                self.stdout.write(f"The search index differs from the rows. {said}")
            if counts_wrong:
                self.stdout.write(f"The counts differ from the rows ({', '.join(counts_wrong)}). {said}")
            if not (wrong or index_wrong or counts_wrong):
                self.stdout.write(f"{photos:,} photos have the right text.")
        if (wrong or index_wrong or counts_wrong) and not repair:
            sys.exit(1)

    def _texts(self, *, photos: int, repair: bool, as_json: bool) -> int:
        """Print each photo whose text differs. Returns their number."""
        wrong = 0
        with tqdm(total=photos, unit="photo", disable=not sys.stderr.isatty()) as bar:
            for looked_at, differences in texts_check(repair=repair):
                bar.update(looked_at)
                wrong += len(differences)
                for difference in differences:
                    bar.clear()
                    self.stdout.write(_json(difference) if as_json else str(difference))
        return wrong


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
