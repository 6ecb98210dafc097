"""Settles the text of photos: the columns of `Photo` and `Caption` that other rows decide.

The one place that writes them, in the transaction of what changed: a caption, a decision, or which model is active.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from webapp.captioning.models import Caption, Decision, ModelVersion
from webapp.captioning.seen_objects import objects_certain
from webapp.captioning.text_ranking import Said, ShownText, text_rank
from webapp.photos.models import Photo, ReviewState

PHOTOS_AT_ONCE: Final = 500
COLUMNS: Final = tuple(field.name for field in fields(ShownText))


@dataclass(frozen=True)
class Difference:
    """Columns that do not say what the other rows say."""

    photo_id: int
    name: str
    stands: ShownText
    should: ShownText
    captions: dict[int, str]  # captions whose review state is wrong, with the right one

    def __str__(self) -> str:
        wrong = [
            f"{column} is {getattr(self.stands, column)!r}, should be {getattr(self.should, column)!r}"
            for column in COLUMNS
            if getattr(self.stands, column) != getattr(self.should, column)
        ]
        wrong += [f"caption {caption} should be {state}" for caption, state in self.captions.items()]
        return f"photo {self.photo_id} ({self.name}): {'; '.join(wrong)}"


def texts_settle(photo_ids: Iterable[int]) -> None:
    """Settles the text of these photos. To be called after the change, in its transaction."""
    ids = sorted(set(photo_ids))
    with transaction.atomic(savepoint=False):
        for start in range(0, len(ids), PHOTOS_AT_ONCE):
            _write(texts_compare(ids[start : start + PHOTOS_AT_ONCE]))


def texts_settle_for(model_version_ids: Collection[int]) -> None:
    """Settles the photos that have a caption by one of these model versions, and another caption to choose from."""
    another = Caption.objects.filter(photo=OuterRef("photo")).exclude(pk=OuterRef("pk"))
    captions = Caption.objects.filter(Exists(another), model_version__in=model_version_ids)
    texts_settle(captions.order_by().values_list("photo_id", flat=True))


def texts_check(*, repair: bool) -> Iterator[tuple[int, list[Difference]]]:
    """Compares all photos, some at a time. Gives how many were looked at, and what differs; corrects that if asked."""
    photos, last = Photo.objects.order_by("pk").values_list("pk", flat=True), 0
    while ids := list(photos.filter(pk__gt=last)[:PHOTOS_AT_ONCE]):
        last = ids[-1]
        with transaction.atomic():
            differences = texts_compare(ids)
            if repair:
                _write(differences)
        yield len(ids), differences


def texts_compare(photo_ids: Collection[int]) -> list[Difference]:
    """What is wrong with the columns of these photos, `PHOTOS_AT_ONCE` at most. Locks them until the transaction ends.

    The lock comes before the look: of two transactions that change one photo, the later one sees what the other wrote.
    """
    photos = Photo.objects.select_for_update(no_key=True).filter(pk__in=photo_ids).order_by("pk")
    rows = {row[0]: row for row in photos.values_list("pk", "name", *COLUMNS)}
    said = _said(rows)
    differences = []
    for photo_id, (_, name, *values) in rows.items():
        stands, should = ShownText(*values), text_rank([each for each, _ in said[photo_id]], name=name)
        wrong = {each.caption_id: each.verdict for each, state in said[photo_id] if state != each.verdict}
        if stands != should or wrong:
            differences.append(Difference(photo_id, name, stands, should, wrong))
    return differences


def _said(photo_ids: Iterable[int]) -> dict[int, list[tuple[Said, str]]]:
    """By photo: its captions with their newest decisions, and the review state that stands in each caption's row."""
    captions = Caption.objects.filter(photo__in=photo_ids).order_by("photo_id", "id", "-decisions__id")
    caption_columns = (
        "photo_id", "review_state", "seen_objects", "id", "text", "created_at", "model_version__state", "confidence",
        "model_version_id",
    )  # fmt: skip
    decision_columns = ("decisions__id", "decisions__verdict", "decisions__text", "decisions__created_at")
    rows: Iterable[Any] = captions.values_list(*caption_columns, *decision_columns)
    said = defaultdict[int, list[tuple[Said, str]]](list)
    for photo_id, review_state, objects, caption_id, text, written_at, state, confidence, version, *decision in rows:
        known = said[photo_id]
        if known and known[-1][0].caption_id == caption_id:  # an older decision on the same caption
            continue
        active = state == ModelVersion.State.ACTIVE
        decided = decision[0] and decision[1] != Decision.Verdict.WITHDRAWN
        newest = decision if decided else (0, ReviewState.UNDECIDED, "", None)
        certain = tuple(objects_certain(objects))
        by = {"confidence": confidence, "model_version_id": version}
        known.append((Said(caption_id, text, written_at, active, certain, *newest, **by), review_state))
    return said


def _write(differences: Collection[Difference]) -> None:
    """By one statement that is run for each row: thousands may change when another model is activated."""
    texts = [(*astuple(each.should), each.photo_id) for each in differences if each.should != each.stands]
    states = [(state, caption) for each in differences for caption, state in each.captions.items()]
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        if texts:
            assignments = ", ".join(f"{quote(column)} = %s" for column in COLUMNS)
            table = quote(Photo._meta.db_table)
            cursor.executemany(f"UPDATE {table} SET {assignments} WHERE id = %s", _adapted(texts))  # noqa: S608
        if states:
            table = quote(Caption._meta.db_table)
            cursor.executemany(f"UPDATE {table} SET review_state = %s WHERE id = %s", states)  # noqa: S608


def _adapted(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Values as the database takes them: SQLite has no type for moments."""
    at = COLUMNS.index("text_at")
    adapt = connection.ops.adapt_datetimefield_value
    return [(*row[:at], adapt(row[at]), *row[at + 1 :]) for row in rows]
