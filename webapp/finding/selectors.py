"""Reads: the photos of an owner that a filter finds, as a list of which single pages are read.

The ids of a page come first, from an index that holds all that is filtered and sorted by; only then its rows. So a page
in the middle of 100,000 photos costs little more than the first one.
"""

import datetime as dt
from collections import Counter
from typing import Final, overload

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Collate, Lower

from webapp.accounts.models import User
from webapp.batches.models import BatchItem
from webapp.captioning.counters import PHOTOS, SURENESS
from webapp.captioning.models import CaptionJob
from webapp.captioning.selectors.photos import photos_count, photos_listed, photos_of
from webapp.counters.selectors import counts_of
from webapp.finding.photo_filter import STANDINGS, PhotoFilter
from webapp.photos.models import Photo
from webapp.photos.search_filter import search_filter

COUNTED: Final = ("by", "review", "sure", "model", "format")  # in the order of the counter's parts
BY_BYTES: Final = {"sqlite": "BINARY", "postgresql": "C"}  # orders text alike on both databases


class FoundPhotos:
    """The photos that a filter finds, in its order. A slice reads that page alone; `count` counts once.

    Args:
        count: how many they are, where that is known.
    """

    def __init__(self, owner: User, wanted: PhotoFilter, *, count: int | None = None) -> None:
        self._owner, self._wanted, self._count = owner, wanted, count

    def count(self) -> int:
        if self._count is None:
            self._count = self._counted()
        return self._count

    def _counted(self) -> int:
        if not self._wanted.narrowed:
            return photos_count(self._owner, states=self._wanted.states)
        if counts := photos_counted(self._owner, self._wanted):
            name = next(name for name in COUNTED if getattr(self._wanted, name))
            return counts[name][str(getattr(self._wanted, name))]
        return self._matching().count()

    def any(self) -> bool:
        return self._matching().exists()

    def __len__(self) -> int:
        return self.count()

    @overload
    def __getitem__(self, place: int) -> Photo: ...
    @overload
    def __getitem__(self, place: slice) -> list[Photo]: ...
    def __getitem__(self, place: int | slice) -> Photo | list[Photo]:
        if isinstance(place, int):
            return self[place : place + 1][0]
        ids = self.ids(place.start or 0, place.stop)
        rows = photos_listed().in_bulk(ids)
        return [rows[key] for key in ids if key in rows]

    def ids(self, start: int, stop: int) -> list[int]:
        """Those from `start` on, before `stop`."""
        if not self._wanted.ranked:
            return _ids(self._ordered(self._matching()), start, stop)
        # One part after the other: to rank all that is found, the database would have to sort all of it.
        in_text = self._matching(in_text=True)
        found = _ids(self._ordered(in_text), start, stop)
        if len(found) < stop - start:
            before = start + len(found) if found or not start else in_text.count()
            seen = self._matching().exclude(search_filter(self._wanted.q, in_text=True))
            found += _ids(self._ordered(seen), max(start - before, 0), stop - before)
        return found

    def _matching(self, *, in_text: bool = False) -> QuerySet[Photo]:
        return photos_matching(self._owner, self._wanted, in_text=in_text)

    def _ordered(self, photos: QuerySet[Photo]) -> QuerySet[Photo]:
        match self._wanted.order:
            case "oldest":
                return photos.order_by("created_at", "pk")
            case "name":
                return photos.order_by(Collate(Lower("name"), BY_BYTES[connection.vendor]), "pk")
            case "unsure":
                return photos.order_by(F("confidence").asc(nulls_last=True), "-created_at", "-pk")
        if self._wanted.states and not self._wanted.narrowed:  # in the order of the jobs' index
            return photos_of(self._owner, states=self._wanted.states)
        return photos.order_by("-created_at", "-pk")


def photos_matching(owner: User, wanted: PhotoFilter, *, in_text: bool = False) -> QuerySet[Photo]:
    """In no order. `in_text`: see `search_filter`."""
    photos = Photo.objects.filter(_conditions(wanted), search_filter(wanted.q, in_text=in_text), owner=owner)
    if wanted.states:
        standings = [name for name, states in STANDINGS.items() if not states.isdisjoint(wanted.states)]
        jobs = CaptionJob.objects.filter(owner=owner, standing__in=standings)  # which an index has
        if not wanted.show:
            jobs = jobs.filter(state__in=wanted.states)
        photos = photos.filter(pk__in=jobs.order_by().values("photo"))
    if wanted.batch is not None:
        items = BatchItem.objects.filter(batch=wanted.batch, photo__isnull=False)
        photos = photos.filter(pk__in=items.order_by().values("photo"))
    return photos.order_by()


def photos_counted(owner: User, wanted: PhotoFilter) -> dict[str, Counter[str]]:
    """How many photos there are with each value of a filter in its place, by the filter's name and the value.

    From counts that the database keeps. They do not know of searches, states, batches and days: with these it is empty.
    """
    if wanted.without(*COUNTED, "sort") != PhotoFilter():
        return {}
    chosen = [str(getattr(wanted, name) or "") for name in COUNTED]
    found = {name: Counter[str]() for name in COUNTED}
    for values, count in counts_of(PHOTOS, owner.pk).items():
        for place, name in enumerate(COUNTED):
            others = [other for other in range(len(COUNTED)) if other != place]
            if all(chosen[other] in {"", values[other]} for other in others):
                found[name][values[place]] += count
    return found


def _conditions(wanted: PhotoFilter) -> Q:
    """What the photo's own row says."""
    found = Q()
    if wanted.by:
        found &= Q(text_by=wanted.by)
    if wanted.review:
        found &= Q(review_state=wanted.review)
    if wanted.sure:
        least, below = SURENESS[wanted.sure]
        found &= Q(confidence__gte=least, confidence__lt=below)
    if wanted.model is not None:
        found &= Q(model_version=wanted.model)
    if wanted.format:
        found &= Q(format=wanted.format)
    if wanted.since:
        found &= Q(created_at__gte=_midnight(wanted.since))
    if wanted.until:
        found &= Q(created_at__lt=_midnight(wanted.until + dt.timedelta(days=1)))
    return found


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def _ids(photos: QuerySet[Photo], start: int, stop: int) -> list[int]:
    return list(photos.values_list("pk", flat=True)[start:stop])
