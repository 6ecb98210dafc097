"""Reads: the captions for review, least confident first, and their decisions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.db.models import Exists, OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Coalesce

from webapp.accounts.models import User
from webapp.captioning.counters import BANDS, CAPTIONS
from webapp.captioning.models import CAPTION_DETAILS, Caption, Decision
from webapp.counters.selectors import counts_by_subject
from webapp.photos.models import ReviewState
from webapp.review.models import CaptionForReview
from webapp.row_ids import row_id

QUEUE: Final = ("-review_state", "confidence", "id")  # "undecided" sorts last of all states


@dataclass(frozen=True)
class Filters:
    """The reviewer's filters. An empty or unknown value filters nothing."""

    decision: str = ""
    model_version: str = ""
    confidence: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Filters":
        """From a page's query string, by the names of the fields."""
        return cls(**{name: query.get(name, "") for name in cls.__dataclass_fields__})

    @property
    def model_version_id(self) -> int | None:
        return row_id(self.model_version)


@dataclass(frozen=True)
class Progress:
    decided: int
    total: int


def captions_for_review() -> QuerySet[Any]:
    """All captions, undecided and least confident first, with the text of their newest decision."""
    newest = Decision.objects.filter(caption=OuterRef("pk")).order_by("-id").values("text")[:1]
    return (
        CaptionForReview.objects.select_related("photo", "photo__owner", "model_version")
        .defer(*CAPTION_DETAILS, "model_version__vocabulary", "model_version__card")
        .annotate(reviewed_text=Coalesce(Subquery(newest), Value(""), output_field=TextField()))
        .order_by(*QUEUE)
    )


def captions_filter(captions: QuerySet[Any], filters: Filters) -> QuerySet[Any]:
    if filters.decision in ReviewState.values:
        captions = captions.filter(review_state=filters.decision)
    if filters.model_version_id is not None:
        captions = captions.filter(model_version=filters.model_version_id)
    if band := BANDS.get(filters.confidence):
        captions = captions.filter(confidence__gte=band[0], confidence__lt=band[1])
        if filters.decision not in ReviewState.values:  # one range per state in the index of the queue
            captions = captions.filter(review_state__in=ReviewState.values)
    return captions


def caption_next(*, filters: Filters, after: Caption | None = None) -> CaptionForReview | None:
    """The caption to review after `after`: an undecided one, unless `filters` name a decision. Restarts at the end.

    None if no other is left.
    """
    queue = captions_filter(captions_for_review(), replace(filters, decision=filters.decision or ReviewState.UNDECIDED))
    if after is None:
        first: CaptionForReview | None = queue.first()
        return first
    # Two index look-ups. One query for both would read all waiting captions.
    later = queue.filter(confidence__gte=after.confidence).exclude(confidence=after.confidence, id__lte=after.pk)
    following: CaptionForReview | None = later.first() or queue.exclude(pk=after.pk).first()
    return following


def review_progress(filters: Filters) -> Progress:
    """The numbers of decided and of all captions for `filters`. Ignores the filter by decision."""
    total = undecided = 0
    for version, counts in counts_by_subject(CAPTIONS).items():
        if filters.model_version_id in {None, version}:
            for (state, band), count in counts.items():
                if filters.confidence not in BANDS or filters.confidence == band:
                    total += count
                    undecided += count if state == ReviewState.UNDECIDED else 0
    return Progress(decided=total - undecided, total=total)


def caption_decisions(caption: Caption) -> QuerySet[Decision]:
    """The decisions on one caption, newest first."""
    return Decision.objects.filter(caption=caption).select_related("reviewer").order_by("-id")


def reviewers() -> QuerySet[User]:
    """All accounts with a decision. Costs one index look-up per account."""
    return User.objects.filter(Exists(Decision.objects.filter(reviewer=OuterRef("pk")))).order_by("username")
